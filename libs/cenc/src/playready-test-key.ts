import { createHash } from 'node:crypto';
import { ContentKey } from './content-key';
import { keyIdGuidBytes, type KeyId } from './key-id';

/**
 * The test key seed that Microsoft publishes: its public PlayReady test server licenses the keys made from it to whoever
 * asks. PlayReady documentation, "PlayReady Test License Server".
 */
const TEST_KEY_SEED = Buffer.from('XVBovsmzhP9gRIZxWfFta3VVRPzVEWmJsazEJ46I', 'base64').subarray(0, 30);

/**
 * The key that the PlayReady test server has for a key ID: anybody can make it. PlayReady Key Seed Specification: three
 * SHA-256 over seed and key ID, each folded, all XORed. The caller disposes of it.
 */
export function playReadyTestKey(keyId: KeyId): ContentKey {
  const guid = keyIdGuidBytes(keyId);
  const [s, k] = [TEST_KEY_SEED, guid];
  const digests = [
    [s, k],
    [s, k, s],
    [s, k, s, k],
  ].map((parts) => createHash('sha256').update(Buffer.concat(parts)).digest());
  const bytes = guid.map((_, at) => digests.reduce((sum, d) => sum ^ d.readUInt8(at) ^ d.readUInt8(at + 16), 0));
  return ContentKey.fromBytes(bytes);
}
