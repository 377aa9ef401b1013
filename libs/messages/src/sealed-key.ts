import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  createSecretKey,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { ContentKey, CONTENT_KEY_BYTES, type KeyId } from '@latchkey/cenc';
import { Fault } from './fault';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const X25519_BYTES = 32;
/** SubjectPublicKeyInfo of an X25519 key up to its 32 bytes (RFC 8410). */
const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex');
/** PKCS #8 of one, likewise. */
const X25519_PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const KNOWN_PEERS = 256;

/** What a sealed key is bound to: a box moved to another key does not open. */
export interface SealContext {
  readonly tenant: string;
  readonly contentId: string;
  readonly keyId: KeyId;
}

/** The same for keys of one content in one box, in their order. */
export interface SealAllContext {
  readonly tenant: string;
  readonly contentId: string;
  readonly keyIds: readonly KeyId[];
}

/**
 * The ephemeral X25519 key pair of one process: content keys cross the bus sealed to it (ECDH-ES, HKDF-SHA-256,
 * AES-256-GCM), so that listening on the bus yields nothing. The pair lives in memory only and is renewed; the key
 * agreed with a peer is kept, so that sealing costs one AES-GCM.
 */
export class SealingIdentity {
  #current = new SealingPair();
  #renewAt: number;

  constructor(
    private readonly lifeMs = 5 * 60_000,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#renewAt = this.now() + lifeMs;
  }

  /** The pair to use for one exchange: hold on to it until its answer is opened. */
  current(): SealingPair {
    if (this.now() >= this.#renewAt) {
      this.#current = new SealingPair();
      this.#renewAt = this.now() + this.lifeMs;
    }
    return this.#current;
  }
}

export class SealingPair {
  /** Base64 of the 32 bytes of the public key. */
  readonly publicKey: string;
  readonly #privateKey: KeyObject;
  readonly #agreed = new Map<string, KeyObject>();

  /**
   * A new pair; or that of 32 bytes of private key, for a pair that several processes have: any 32 random bytes are one
   * (RFC 7748, 5). The bytes stay the caller's to zero.
   */
  constructor(privateKey?: Buffer) {
    this.#privateKey = privateKey ? importPrivateKey(privateKey) : generateKeyPairSync('x25519').privateKey;
    const publicKey = createPublicKey(this.#privateKey).export({ type: 'spki', format: 'der' });
    this.publicKey = publicKey.subarray(-X25519_BYTES).toString('base64');
  }

  /** Base64 of nonce[12], ciphertext[16], tag[16]. */
  seal(peerPublicKey: string, contentKey: ContentKey, context: SealContext): string {
    return this.sealAll(peerPublicKey, [contentKey], listOfOne(context));
  }

  /** One box for all, which costs as much as for one: base64 of nonce[12], ciphertext[16 for each key], tag[16]. */
  sealAll(peerPublicKey: string, contentKeys: readonly ContentKey[], context: SealAllContext): string {
    const nonce = nextNonce();
    const cipher = createCipheriv('aes-256-gcm', this.#agree(peerPublicKey, this.publicKey, peerPublicKey), nonce);
    cipher.setAAD(additionalData(context));
    const clear = Buffer.alloc(contentKeys.length * CONTENT_KEY_BYTES);
    try {
      contentKeys.forEach((key, at) => key.expose((bytes) => clear.set(bytes, at * CONTENT_KEY_BYTES)));
      const ciphertext = cipher.update(clear);
      cipher.final();
      return Buffer.concat([nonce, ciphertext, cipher.getAuthTag()]).toString('base64');
    } finally {
      clear.fill(0);
    }
  }

  /** The caller disposes of the key. Throws Fault INVALID_REQUEST for a box that is not for us, or not of that key. */
  open(peerPublicKey: string, box: string, context: SealContext): ContentKey {
    return this.openAll(peerPublicKey, box, listOfOne(context))[0] as ContentKey;
  }

  /** The same for a box of all these keys, in that order. */
  openAll(peerPublicKey: string, box: string, context: SealAllContext): ContentKey[] {
    const bytes = Buffer.from(box, 'base64');
    const { keyIds } = context;
    if (bytes.length !== NONCE_BYTES + keyIds.length * CONTENT_KEY_BYTES + TAG_BYTES) {
      throw new Fault('INVALID_REQUEST', 'what is sealed has another length');
    }
    const key = this.#agree(peerPublicKey, peerPublicKey, this.publicKey);
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
    decipher.setAAD(additionalData(context));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const clear = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    try {
      decipher.final();
      return keyIds.map((_, at) => ContentKey.fromBytes(keyBytes(clear, at)));
    } catch (cause) {
      throw new Fault('INVALID_REQUEST', 'what is sealed does not open', { cause });
    } finally {
      clear.fill(0);
    }
  }

  /** One key for each direction: it is bound to who seals and who opens. */
  #agree(peerPublicKey: string, sender: string, recipient: string): KeyObject {
    const name = `${sender}>${recipient}`;
    const known = this.#agreed.get(name);
    if (known) return known;
    const secret = agree(this.#privateKey, importPublicKey(peerPublicKey));
    const derived = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `latchkey seal v1 ${name}`, 32));
    const key = createSecretKey(derived);
    secret.fill(0);
    derived.fill(0);
    if (this.#agreed.size >= KNOWN_PEERS) this.#agreed.delete(this.#agreed.keys().next().value as string);
    this.#agreed.set(name, key);
    return key;
  }
}

/** Drawn many at a time: one call for each would cost a third of sealing. They are no secret, and none is used twice. */
const nonces = { pool: Buffer.alloc(NONCE_BYTES * 256), at: Infinity };

function nextNonce(): Buffer {
  if (nonces.at >= nonces.pool.length) {
    nonces.pool = randomBytes(nonces.pool.length);
    nonces.at = 0;
  }
  return nonces.pool.subarray(nonces.at, (nonces.at += NONCE_BYTES));
}

/** Throws Fault INVALID_REQUEST for a public key of small order, with which everybody agrees on the same. */
function agree(privateKey: KeyObject, publicKey: KeyObject): Buffer {
  try {
    return diffieHellman({ privateKey, publicKey });
  } catch (cause) {
    throw new Fault('INVALID_REQUEST', 'a sealing key cannot be agreed with', { cause });
  }
}

function importPublicKey(base64: string): KeyObject {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== X25519_BYTES) throw new Fault('INVALID_REQUEST', 'a sealing key is 32 bytes of X25519');
  return createPublicKey({ key: Buffer.concat([X25519_SPKI, bytes]), format: 'der', type: 'spki' });
}

function importPrivateKey(bytes: Buffer): KeyObject {
  if (bytes.length !== X25519_BYTES) throw new Fault('INTERNAL', 'a private sealing key is 32 bytes of X25519');
  const pkcs8 = Buffer.concat([X25519_PKCS8, bytes]);
  try {
    return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  } finally {
    pkcs8.fill(0);
  }
}

function listOfOne({ tenant, contentId, keyId }: SealContext): SealAllContext {
  return { tenant, contentId, keyIds: [keyId] };
}

function keyBytes(all: Buffer, at: number): Buffer {
  return all.subarray(at * CONTENT_KEY_BYTES, (at + 1) * CONTENT_KEY_BYTES);
}

/** JSON of a list: no two contexts share their bytes. */
function additionalData({ tenant, contentId, keyIds }: SealAllContext): Buffer {
  return Buffer.from(JSON.stringify([tenant, contentId, ...keyIds]));
}
