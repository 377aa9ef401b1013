import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

const PREFIX = 'wrapped:';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The key under which credentials' secrets stand in the tenants file: a file of 32 bytes, base64. Throws Error. */
export function readCredentialsKey(path: string): KeyObject {
  const bytes = Buffer.from(readFileSync(path, 'utf8').trim(), 'base64');
  if (bytes.length !== KEY_BYTES) throw new Error(`${path} must hold ${KEY_BYTES} bytes in base64`);
  return createSecretKey(bytes);
}

/** `wrapped:<base64url of nonce, ciphertext, tag>`, AES-256-GCM, bound to the access key ID that it belongs to. */
export function wrapSecret(key: KeyObject, accessKeyId: string, secret: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(accessKeyId));
  const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return PREFIX + sealed.toString('base64url');
}

/** Throws Error for a secret of another access key, or under another key. */
export function unwrapSecret(key: KeyObject, accessKeyId: string, wrapped: string): string {
  const bytes = Buffer.from(wrapped.slice(PREFIX.length), 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES));
  decipher.setAAD(Buffer.from(accessKeyId)).setAuthTag(bytes.subarray(-TAG_BYTES));
  const clear = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
  return Buffer.concat([clear, decipher.final()]).toString('utf8');
}
