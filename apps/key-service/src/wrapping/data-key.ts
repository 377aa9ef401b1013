import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto';
import { Fault } from '@latchkey/messages';

const COMMITMENT_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = COMMITMENT_BYTES + NONCE_BYTES;

/**
 * A data key in use. What it seals is commitment[32], nonce[12], ciphertext, tag[16]: the key that encrypts and the commitment
 * are derived from the data key under two labels (HKDF-SHA-256), so a box opens under the one data key that made it
 * and no other. Its bytes are in an OpenSSL key object, which clears them when it is freed.
 */
export class DataKey {
  #key: KeyObject | undefined;
  readonly #commitment: Buffer;

  /** Takes the plaintext over and zeroes it. */
  constructor(
    plaintext: Buffer,
    readonly encrypted: Buffer,
  ) {
    this.#commitment = derive(plaintext, 'latchkey commitment v1');
    this.#key = keyObject(derive(plaintext, 'latchkey wrap v1'));
    plaintext.fill(0);
  }

  seal(clear: Uint8Array, additionalData: Buffer): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#live(), nonce);
    cipher.setAAD(additionalData);
    const ciphertext = cipher.update(clear);
    cipher.final();
    return Buffer.concat([this.#commitment, nonce, ciphertext, cipher.getAuthTag()]);
  }

  /** The caller zeroes what it gets. Throws Fault TAMPERED for a box that this key did not make for that data. */
  open(box: Buffer, additionalData: Buffer): Buffer {
    const key = this.#live();
    if (box.length <= HEAD_BYTES + TAG_BYTES) throw tampered();
    if (!timingSafeEqual(box.subarray(0, COMMITMENT_BYTES), this.#commitment)) throw tampered();
    const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(COMMITMENT_BYTES, HEAD_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(additionalData);
    decipher.setAuthTag(box.subarray(-TAG_BYTES));
    const clear = decipher.update(box.subarray(HEAD_BYTES, -TAG_BYTES));
    try {
      decipher.final();
      return clear;
    } catch (cause) {
      clear.fill(0);
      throw tampered(cause);
    }
  }

  /** From now on it opens and seals nothing. */
  dispose(): void {
    this.#key = undefined;
    this.#commitment.fill(0);
  }

  #live(): KeyObject {
    if (!this.#key) throw new Fault('UNAVAILABLE', 'a data key was evicted while it was in use');
    return this.#key;
  }
}

function derive(plaintext: Buffer, label: string): Buffer {
  return Buffer.from(hkdfSync('sha256', plaintext, Buffer.alloc(0), label, 32));
}

function keyObject(bytes: Buffer): KeyObject {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

function tampered(cause?: unknown): Fault {
  return new Fault('TAMPERED', 'what is stored does not unwrap', { cause });
}
