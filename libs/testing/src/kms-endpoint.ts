import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LOCAL_AWS } from './dynamodb-local';

const REGION = LOCAL_AWS.AWS_REGION;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ID_BYTES = 36;

export type KmsAction = 'GenerateDataKey' | 'Decrypt' | 'ReEncrypt' | 'DescribeKey';

/**
 * An AWS KMS that answers over the wire (AWS JSON 1.1) what its public API reference describes, for symmetric keys: it checks
 * encryption contexts, knows aliases, can be told to disable a key or to fail, and counts.
 */
export interface KmsEndpoint {
  readonly endpoint: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The key that `alias/latchkey` names at first. */
  readonly keyId: string;
  /** Requests so far. */
  readonly calls: Readonly<Record<KmsAction, number>>;
  /** A new key; its ID. */
  createKey(): string;
  pointAlias(alias: string, keyId: string): void;
  setEnabled(keyId: string, enabled: boolean): void;
  /** Answers the next ones with this error, e.g. `ThrottlingException`; undefined for none. */
  failWith(error: string | undefined): void;
  /** Every data key made so far, in the clear: to look for them where they must not be. */
  readonly dataKeys: readonly Buffer[];
  close(): Promise<void>;
}

interface CustomerMasterKey {
  readonly id: string;
  readonly bytes: Buffer;
  enabled: boolean;
}

type Body = Record<string, unknown>;

/** An address at which somebody has a KMS with a key `alias/latchkey`, for example the one of docker-compose.yml. */
const SHARED = 'LATCHKEY_LOCAL_KMS';

/** For suites that only wrap and unwrap: the one that LATCHKEY_LOCAL_KMS names, or one of ours. */
export async function startKms(): Promise<Pick<KmsEndpoint, 'endpoint' | 'environment' | 'close'>> {
  const endpoint = process.env[SHARED];
  if (!endpoint) return startKmsEndpoint();
  return { endpoint, environment: { ...LOCAL_AWS, AWS_ENDPOINT_URL_KMS: endpoint }, close: async () => undefined };
}

export async function startKmsEndpoint(): Promise<KmsEndpoint> {
  const kms = new Kms();
  const server = createServer((request, response) => void kms.answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const first = kms.createKey();
  kms.aliases.set('alias/latchkey', first);
  return {
    endpoint,
    environment: { ...LOCAL_AWS, AWS_ENDPOINT_URL_KMS: endpoint },
    keyId: first,
    calls: kms.calls,
    dataKeys: kms.dataKeys,
    createKey: () => kms.createKey(),
    pointAlias: (alias, keyId) => void kms.aliases.set(alias, keyId),
    setEnabled: (keyId, enabled) => void (kms.key(keyId).enabled = enabled),
    failWith: (error) => void (kms.failure = error),
    close: () => closeServer(server),
  };
}

class Kms {
  readonly calls: Record<KmsAction, number> = { GenerateDataKey: 0, Decrypt: 0, ReEncrypt: 0, DescribeKey: 0 };
  readonly aliases = new Map<string, string>();
  readonly dataKeys: Buffer[] = [];
  failure: string | undefined;
  readonly #keys = new Map<string, CustomerMasterKey>();
  readonly #actions: Record<KmsAction, (body: Body) => Body> = {
    GenerateDataKey: (body) => this.#generateDataKey(body),
    Decrypt: (body) => this.#decrypt(body),
    ReEncrypt: (body) => this.#reEncrypt(body),
    DescribeKey: (body) => this.#describeKey(body),
  };

  createKey(): string {
    const id = randomUUID();
    this.#keys.set(id, { id, bytes: randomBytes(32), enabled: true });
    return id;
  }

  /** By ID, ARN or alias. */
  key(name: string): CustomerMasterKey {
    const id = this.aliases.get(name) ?? name.split('key/').at(-1) ?? '';
    const key = this.#keys.get(id);
    if (!key) throw new KmsError('NotFoundException', `Key '${arn(id)}' does not exist`);
    return key;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const action = String(request.headers['x-amz-target']).split('.').at(-1) as KmsAction;
    try {
      const body = JSON.parse(await textOf(request)) as Body;
      const act = this.#actions[action];
      if (!act) throw new KmsError('UnsupportedOperationException', action);
      this.calls[action]++;
      if (this.failure) throw new KmsError(this.failure, 'as told');
      send(response, 200, act(body));
    } catch (error) {
      const { code, message } = error instanceof KmsError ? error : new KmsError('KMSInternalException', String(error));
      send(response, SERVER_ERRORS.has(code) ? 500 : 400, { __type: code, message });
    }
  }

  #generateDataKey(body: Body): Body {
    const key = this.#usable(String(body['KeyId']));
    if (body['KeySpec'] !== 'AES_256') throw new KmsError('ValidationException', 'KeySpec');
    const plaintext = randomBytes(32);
    this.dataKeys.push(plaintext);
    return {
      KeyId: arn(key.id),
      Plaintext: plaintext.toString('base64'),
      CiphertextBlob: encrypt(key, plaintext, body['EncryptionContext']).toString('base64'),
    };
  }

  #decrypt(body: Body): Body {
    const { key, plaintext } = this.#open(body['CiphertextBlob'], body['EncryptionContext'], body['KeyId']);
    return { KeyId: arn(key.id), Plaintext: plaintext.toString('base64'), EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
  }

  #reEncrypt(body: Body): Body {
    const source = this.#open(body['CiphertextBlob'], body['SourceEncryptionContext'], body['SourceKeyId']);
    const key = this.#usable(String(body['DestinationKeyId']));
    return {
      CiphertextBlob: encrypt(key, source.plaintext, body['DestinationEncryptionContext']).toString('base64'),
      SourceKeyId: arn(source.key.id),
      KeyId: arn(key.id),
    };
  }

  #describeKey(body: Body): Body {
    const key = this.key(String(body['KeyId']));
    const state = key.enabled ? 'Enabled' : 'Disabled';
    return {
      KeyMetadata: {
        KeyId: key.id,
        Arn: arn(key.id),
        Enabled: key.enabled,
        KeyState: state,
        KeyUsage: 'ENCRYPT_DECRYPT',
      },
    };
  }

  #usable(name: string): CustomerMasterKey {
    const key = this.key(name);
    if (!key.enabled) throw new KmsError('DisabledException', `${arn(key.id)} is disabled.`);
    return key;
  }

  /** The blob names its key, as KMS's own does; nobody outside can read that. */
  #open(blob: unknown, context: unknown, named: unknown): { key: CustomerMasterKey; plaintext: Buffer } {
    const bytes = Buffer.from(String(blob), 'base64');
    const id = bytes.subarray(0, ID_BYTES).toString('latin1');
    if (bytes.length <= ID_BYTES + NONCE_BYTES + TAG_BYTES || !this.#keys.has(id))
      throw new KmsError('InvalidCiphertextException');
    if (named !== undefined && this.key(String(named)).id !== id) throw new KmsError('IncorrectKeyException');
    const key = this.#usable(id);
    return { key, plaintext: decrypt(key, bytes, context) };
  }
}

class KmsError extends Error {
  constructor(
    readonly code: string,
    message = '',
  ) {
    super(message);
  }
}

const SERVER_ERRORS = new Set(['KMSInternalException', 'DependencyTimeoutException']);

function encrypt(key: CustomerMasterKey, plaintext: Buffer, context: unknown): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce);
  cipher.setAAD(contextBytes(context));
  return Buffer.concat([
    Buffer.from(key.id, 'latin1'),
    nonce,
    cipher.update(plaintext),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

function decrypt(key: CustomerMasterKey, blob: Buffer, context: unknown): Buffer {
  const at = ID_BYTES + NONCE_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key.bytes, blob.subarray(ID_BYTES, at));
  decipher.setAAD(contextBytes(context));
  decipher.setAuthTag(blob.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(blob.subarray(at, -TAG_BYTES)), decipher.final()]);
  } catch {
    throw new KmsError('InvalidCiphertextException');
  }
}

/** Case-sensitive pairs in any order, all of them. */
function contextBytes(context: unknown): Buffer {
  const pairs = Object.entries((context ?? {}) as Record<string, string>);
  return Buffer.from(JSON.stringify(pairs.sort(([a], [b]) => (a < b ? -1 : 1))));
}

function arn(keyId: string): string {
  return `arn:aws:kms:${REGION}:000000000000:key/${keyId}`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, status: number, body: Body): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() });
  response.end(JSON.stringify(body));
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
