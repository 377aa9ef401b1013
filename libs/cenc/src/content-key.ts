import { inspect } from 'node:util';
import { CencError } from './error';

/** A content key is an AES-128 key: 16 bytes (ISO/IEC 23001-7, 9). */
export const CONTENT_KEY_BYTES = 16;

/**
 * A content key in the clear. It prints as `[ContentKey]` wherever it ends up, and its bytes are
 * zeroed by `dispose`.
 */
export class ContentKey implements Disposable {
  readonly #bytes: Buffer;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Copies the bytes: what was given stays the caller's to zero. Throws CencError INVALID_CONTENT_KEY. */
  static fromBytes(bytes: Uint8Array): ContentKey {
    if (bytes.length !== CONTENT_KEY_BYTES) {
      throw new CencError('INVALID_CONTENT_KEY', `a content key is ${CONTENT_KEY_BYTES} bytes, not ${bytes.length}`);
    }
    // Not from Buffer's shared pool: what is zeroed must be ours alone.
    const own = Buffer.alloc(CONTENT_KEY_BYTES);
    own.set(bytes);
    return new ContentKey(own);
  }

  /** The only way to the bytes; do not keep them. */
  expose<T>(use: (bytes: Buffer) => T): T {
    return use(this.#bytes);
  }

  dispose(): void {
    this.#bytes.fill(0);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return '[ContentKey]';
  }

  toJSON(): string {
    return '[ContentKey]';
  }

  [inspect.custom](): string {
    return '[ContentKey]';
  }
}
