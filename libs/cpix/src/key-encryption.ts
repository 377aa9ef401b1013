import { randomBytes } from 'node:crypto';
import type { ContentKey } from '@latchkey/cenc';

/** The document key and the MAC key, encrypted for one recipient; all base64. */
export interface RecipientKeys {
  readonly documentKey: string;
  readonly documentKeyMac: string;
  readonly macKey: string;
  readonly macKeyMac: string;
}

/** A content key under the document key: base64 of IV[16] and ciphertext[32], and of the HMAC-SHA512 over both. */
export interface EncryptedSecret {
  readonly kind: 'encrypted';
  readonly cipherValue: string;
  readonly valueMac: string;
}

/** One document's keys: a document key and a MAC key that all its recipients share. */
export interface DocumentEncryption {
  /** In the order of the certificates. */
  readonly recipients: readonly RecipientKeys[];
  encrypt(contentKey: ContentKey): EncryptedSecret;
  /** Zeroes the document key and the MAC key. */
  dispose(): void;
}

/**
 * CPIX content key encryption in the form that AWS's encryptors read: a document key of 32 bytes and a MAC key of 64,
 * each under RSA-OAEP (SHA-1, MGF1-SHA-1) for every certificate; a fresh IV for each content key.
 * Certificates are base64 DER. Throws CpixError CERTIFICATE_* (dates are the caller's policy: they are not looked at here).
 */
export function encryptForRecipients(
  _certificates: readonly string[],
  _random: (bytes: number) => Buffer = randomBytes,
): DocumentEncryption {
  throw new Error('not there yet');
}
