import {
  constants,
  createCipheriv,
  createHmac,
  createSecretKey,
  publicEncrypt,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import type { ContentKey } from '@latchkey/cenc';
import { readCertificate } from './certificate';

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

/** One document's encryption: a document key and a MAC key that all its recipients share. */
export interface DocumentEncryption {
  /** In the order of the certificates. */
  readonly recipients: readonly RecipientKeys[];
  encrypt(contentKey: ContentKey): EncryptedSecret;
}

/** AES-256-CBC; CPIX leaves the algorithm open, AWS's encryptors want this one. */
const DOCUMENT_KEY_BYTES = 32;
/** HMAC-SHA512 with a key of its own length. */
const MAC_KEY_BYTES = 64;
const IV_BYTES = 16;

/** XML names of what is done here, for EncryptionMethod and MACMethod. */
export const ENCRYPTION_ALGORITHMS = {
  contentKey: 'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
  /** This URI means RSA-OAEP with SHA-1 and MGF1 with SHA-1, no label (XML Encryption 1.0, 5.4.2). */
  documentKey: 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
  mac: 'http://www.w3.org/2001/04/xmldsig-more#hmac-sha512',
} as const;

/**
 * CPIX content key encryption in the form that AWS's encryptors read: a document key and a MAC key made for this document,
 * each under RSA-OAEP for every certificate, and a fresh IV for each content key. Both keys live as long as the object.
 * Certificates are base64 DER. Throws CpixError CERTIFICATE_* (not for dates: those are the caller's policy).
 */
export function encryptForRecipients(
  certificates: readonly string[],
  random: (bytes: number) => Buffer = randomBytes,
): DocumentEncryption {
  const publicKeys = certificates.map((certificate) => readCertificate(certificate, { expired: 'warn' }).publicKey);
  const documentKeyBytes = random(DOCUMENT_KEY_BYTES);
  const macKeyBytes = random(MAC_KEY_BYTES);
  try {
    const documentKey = createSecretKey(documentKeyBytes);
    const macKey = createSecretKey(macKeyBytes);
    return {
      recipients: publicKeys.map((publicKey) => encryptDocumentKeys(publicKey, documentKeyBytes, macKeyBytes, macKey)),
      encrypt: (contentKey) => encryptContentKey(contentKey, documentKey, macKey, random(IV_BYTES)),
    };
  } finally {
    documentKeyBytes.fill(0);
    macKeyBytes.fill(0);
  }
}

function encryptDocumentKeys(
  publicKey: KeyObject,
  documentKeyBytes: Buffer,
  macKeyBytes: Buffer,
  macKey: KeyObject,
): RecipientKeys {
  const documentKey = encryptFor(publicKey, documentKeyBytes);
  const encryptedMacKey = encryptFor(publicKey, macKeyBytes);
  return {
    documentKey: documentKey.toString('base64'),
    documentKeyMac: mac(macKey, documentKey),
    macKey: encryptedMacKey.toString('base64'),
    macKeyMac: mac(macKey, encryptedMacKey),
  };
}

function encryptFor(publicKey: KeyObject, bytes: Buffer): Buffer {
  return publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, bytes);
}

function encryptContentKey(
  contentKey: ContentKey,
  documentKey: KeyObject,
  macKey: KeyObject,
  iv: Buffer,
): EncryptedSecret {
  const cipher = createCipheriv('aes-256-cbc', documentKey, iv);
  const ciphertext = contentKey.expose((bytes) => cipher.update(bytes));
  const value = Buffer.concat([iv, ciphertext, cipher.final()]);
  return { kind: 'encrypted', cipherValue: value.toString('base64'), valueMac: mac(macKey, value) };
}

/** Encrypt-then-MAC: over the ciphertext as it stands in CipherValue. */
function mac(macKey: KeyObject, ciphertext: Buffer): string {
  return createHmac('sha512', macKey).update(ciphertext).digest('base64');
}
