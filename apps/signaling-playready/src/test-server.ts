import { createCipheriv } from 'node:crypto';
import { keyIdGuidBytes, playReadyTestKey, type KeyId } from '@latchkey/cenc';
import { Fault } from '@latchkey/messages';
import type { HeaderKey } from './wrm-header';

/**
 * Microsoft's public PlayReady test server. It licenses, to whoever asks, the key that its published test key seed gives
 * for a key ID: content plays with it when key-service makes its keys from that seed. What follows is about public keys
 * only, and runs for a tenant that is configured for tests.
 */
const SERVICE = 'https://test.playready.microsoft.com/service/rightsmanager.asmx';
const KEY_TYPES = { AESCTR: 'aes128bitctr', AESCBC: 'aes128bitcbc' } as const;

/** One group of parameters for each key ID: its query string syntax. */
export function testServerUrl(keys: readonly HeaderKey[], algorithm: keyof typeof KEY_TYPES): string {
  const groups = keys.map(({ keyId }) => `(kid:${keyId},ckt:${KEY_TYPES[algorithm]},persist:false,sl:150)`);
  return `${SERVICE}?cfg=${groups.join(',')}`;
}

/** Better no signaling than a licence that opens nothing. Throws Fault PRECONDITION_FAILED. */
export function refuseOtherKeys(keys: readonly HeaderKey[]): void {
  const other = keys.find(({ keyId, checksum }) => checksum !== undefined && checksum !== testKeyChecksum(keyId));
  if (!other) return;
  throw new Fault(
    'PRECONDITION_FAILED',
    `the PlayReady test server has another key for ${other.keyId}: this tenant's keys must come from its test key seed`,
  );
}

/** PlayReady Header Specification, 5: the first 8 bytes of the key ID encrypted with the key. */
function testKeyChecksum(keyId: KeyId): string {
  const key = playReadyTestKey(keyId);
  try {
    const cipher = key.expose((bytes) => createCipheriv('aes-128-ecb', bytes, null));
    return cipher.update(keyIdGuidBytes(keyId)).subarray(0, 8).toString('base64');
  } finally {
    key.dispose();
  }
}
