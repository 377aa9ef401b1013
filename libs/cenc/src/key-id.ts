import { CencError } from './error';
import { formatUuid, isUuid, uuidBytes } from './uuid';

declare const brand: unique symbol;

/** A key ID (KID): 128 bits, held as the lower-case UUID text of CPIX `@kid` and `default_KID`. */
export type KeyId = string & { readonly [brand]: 'KeyId' };

/** Encryptors send KIDs in either case; past this line they are lower case. */
export function parseKeyId(text: string): KeyId {
  const canonical = text.toLowerCase();
  if (!isKeyId(canonical)) throw new CencError('INVALID_KEY_ID', `not a UUID: ${JSON.stringify(text)}`);
  return canonical;
}

export function isKeyId(value: unknown): value is KeyId {
  return isUuid(value);
}

/** Big-endian, as in `pssh` and `tenc` boxes. */
export function keyIdBytes(keyId: KeyId): Buffer {
  return uuidBytes(keyId);
}

/** Microsoft GUID order, as in PlayReady headers: the first three fields are little-endian. */
export function keyIdGuidBytes(keyId: KeyId): Buffer {
  const bytes = uuidBytes(keyId);
  bytes.writeUInt32LE(bytes.readUInt32BE(0), 0);
  bytes.writeUInt16LE(bytes.readUInt16BE(4), 4);
  bytes.writeUInt16LE(bytes.readUInt16BE(6), 6);
  return bytes;
}

export function keyIdFromBytes(bytes: Uint8Array): KeyId {
  return parseKeyId(formatUuid(bytes));
}
