import { createHash } from 'node:crypto';
import type { TenantSignaling } from './signaling';

/** Names the settings that signaling was made from: two services that have the same say the same. SHA-256, base64url. */
export function signalingDigest(signaling: TenantSignaling): string {
  const known = DIGESTS.get(signaling);
  if (known !== undefined) return known;
  const digest = createHash('sha256').update(JSON.stringify(signaling)).digest('base64url');
  DIGESTS.set(signaling, digest);
  return digest;
}

const DIGESTS = new WeakMap<TenantSignaling, string>();
