import { createCipheriv } from 'node:crypto';
import { keyIdGuidBytes, type ContentKey, type KeyId } from '@latchkey/cenc';

export const CHECKSUM_BYTES = 8;

/** PlayReady Header Object, CHECKSUM for AESCTR: the first 8 bytes of the key ID, in GUID order, under AES-128-ECB. Base64. */
export function playreadyChecksum(contentKey: ContentKey, keyId: KeyId): string {
  return contentKey.expose((bytes) =>
    createCipheriv('aes-128-ecb', bytes, null)
      .update(keyIdGuidBytes(keyId))
      .subarray(0, CHECKSUM_BYTES)
      .toString('base64'),
  );
}
