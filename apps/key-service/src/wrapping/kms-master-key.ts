import {
  DecryptCommand,
  DescribeKeyCommand,
  GenerateDataKeyCommand,
  KMSClient,
  ReEncryptCommand,
} from '@aws-sdk/client-kms';
import { Deadline } from '@latchkey/bus';
import { Fault } from '@latchkey/messages';
import type { Logger } from '@latchkey/runtime';
import { clientLimits, GuardedCalls, isNamed } from '../aws/guarded-calls';
import type { EncryptionContext, MasterKey } from './master-key';

const CHECK_WITHIN_MS = 1_500;
const REENCRYPT_WITHIN_MS = 5_000;
/** What KMS says of a ciphertext that it did not make, or not for that context. */
const NOT_OURS = ['InvalidCiphertextException', 'IncorrectKeyException'];

export interface KmsMasterKeyOptions {
  /** ID, ARN or alias: what new data keys lie under. */
  readonly keyId: string;
  /** Other keys that data keys may still lie under. */
  readonly oldKeyIds?: readonly string[];
  readonly logger: Logger;
  /** How long KMS has for one of two attempts. */
  readonly attemptMs?: number;
  /** The SDK finds region, credentials and endpoint in the environment; here for tests. */
  readonly client?: KMSClient;
}

/**
 * A KMS key. Data keys that lie under another KMS key than the configured ones are refused: who can write into the table
 * must not be able to bring a key of its own.
 */
export function openKmsMasterKey(options: KmsMasterKeyOptions): MasterKey {
  return new KmsMasterKey(options);
}

class KmsMasterKey implements MasterKey {
  readonly name = 'kms';
  readonly #client: KMSClient;
  readonly #calls: GuardedCalls;
  /** The ARNs that our configured names stand for. */
  readonly #ours = new Set<string>();
  #resolving: Promise<void> | undefined;

  constructor(private readonly options: KmsMasterKeyOptions) {
    this.#client = options.client ?? new KMSClient(clientLimits(options.attemptMs));
    this.#calls = new GuardedCalls('the master key', 'kms', options.logger);
  }

  async generateDataKey(context: EncryptionContext, deadlineMs: number) {
    const answer = await this.#calls.run('GenerateDataKey', Deadline.in(deadlineMs), (call) =>
      this.#client.send(
        new GenerateDataKeyCommand({
          KeyId: this.options.keyId,
          KeySpec: 'AES_256',
          EncryptionContext: contextPairs(context),
        }),
        call,
      ),
    );
    // An alias that has been moved: KMS itself says where our own name leads.
    if (answer.KeyId) this.#ours.add(answer.KeyId);
    return { plaintext: ownBytes(answer.Plaintext), encrypted: ownBytes(answer.CiphertextBlob) };
  }

  async decrypt(encrypted: Buffer, context: EncryptionContext, deadlineMs: number): Promise<Buffer> {
    const deadline = Deadline.in(deadlineMs);
    const answer = await this.#decryptCall(encrypted, context, deadline);
    const plaintext = ownBytes(answer.Plaintext);
    if (await this.#isOurs(answer.KeyId ?? '', deadline)) return plaintext;
    plaintext.fill(0);
    this.options.logger.error(
      { kmsKey: answer.KeyId },
      'a data key lies under a KMS key that is not configured: if it is yours, add it to KMS_OLD_KEY_IDS',
    );
    throw new Fault('UNAVAILABLE', 'a data key lies under a master key that is not configured');
  }

  async #decryptCall(encrypted: Buffer, context: EncryptionContext, deadline: Deadline) {
    try {
      return await this.#calls.run(
        'Decrypt',
        deadline,
        (call) =>
          this.#client.send(
            new DecryptCommand({ CiphertextBlob: encrypted, EncryptionContext: contextPairs(context) }),
            call,
          ),
        (error) => isNamed(error, ...NOT_OURS),
      );
    } catch (cause) {
      if (cause instanceof Fault) throw cause;
      throw new Fault('TAMPERED', 'a data key does not decrypt', { cause });
    }
  }

  async reencrypt(encrypted: Buffer, context: EncryptionContext): Promise<Buffer> {
    const answer = await this.#calls.run('ReEncrypt', Deadline.in(REENCRYPT_WITHIN_MS), (call) =>
      this.#client.send(
        new ReEncryptCommand({
          CiphertextBlob: encrypted,
          SourceEncryptionContext: contextPairs(context),
          DestinationKeyId: this.options.keyId,
          DestinationEncryptionContext: contextPairs(context),
        }),
        call,
      ),
    );
    return ownBytes(answer.CiphertextBlob);
  }

  async check(): Promise<boolean> {
    const answer = await this.#describe(this.options.keyId, Deadline.in(CHECK_WITHIN_MS)).catch(() => undefined);
    return answer?.KeyMetadata?.Enabled === true;
  }

  close(): void {
    this.#client.destroy();
  }

  async #isOurs(arn: string, deadline: Deadline): Promise<boolean> {
    if (this.#ours.has(arn)) return true;
    this.#resolving ??= this.#resolve(deadline).finally(() => (this.#resolving = undefined));
    await this.#resolving;
    return this.#ours.has(arn);
  }

  async #resolve(deadline: Deadline): Promise<void> {
    const names = [this.options.keyId, ...(this.options.oldKeyIds ?? [])];
    const answers = await Promise.all(names.map((name) => this.#describe(name, deadline)));
    for (const { KeyMetadata } of answers) if (KeyMetadata?.Arn) this.#ours.add(KeyMetadata.Arn);
  }

  #describe(name: string, deadline: Deadline) {
    return this.#calls.run('DescribeKey', deadline, (call) =>
      this.#client.send(new DescribeKeyCommand({ KeyId: name }), call),
    );
  }
}

function contextPairs({ tenant, purpose }: EncryptionContext): Record<string, string> {
  return { tenant, purpose };
}

/** A copy that is ours to zero; what the SDK decoded is zeroed. */
function ownBytes(bytes: Uint8Array | undefined): Buffer {
  if (!bytes) throw new Fault('UNAVAILABLE', 'the master key answered without bytes');
  const own = Buffer.alloc(bytes.length);
  own.set(bytes);
  bytes.fill(0);
  return own;
}
