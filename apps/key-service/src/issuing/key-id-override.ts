import { createHash } from 'node:crypto';
import { keyIdFromBytes, type KeyId } from '@latchkey/cenc';
import { Fault, type RequestedKey } from '@latchkey/messages';
import type { TenantPolicy } from '@latchkey/tenants';
import type { ContentName } from '../store/stored-key';
import { matchesPattern } from './retention';

/** The key ID under which a key is kept and answered, and the key itself where the tenant has configured it. */
export interface OverriddenKey {
  readonly keyId: KeyId;
  /** 16 bytes; the caller zeroes them. */
  readonly fixedKey?: Buffer;
}

/** SPEKE, "KID override". Throws Fault INVALID_REQUEST for a track type that a fixed map has no key for. */
export function overrideKeyId(
  override: TenantPolicy['keyIdOverride'],
  content: ContentName,
  requested: RequestedKey,
): OverriddenKey {
  switch (override.mode) {
    case 'keep':
      return { keyId: requested.keyId };
    case 'deterministic':
      return { keyId: deterministicKeyId(content, requested) };
    case 'fixed':
      return fixedKey(override.keys, requested);
  }
}

/** RFC 9562, 5.5. The namespace is this product's own, made once at random. */
const NAMESPACE = Buffer.from('5f1a6b0e7c2d4b7f9d0a1e3c8b64f29a', 'hex');

function deterministicKeyId({ tenant, contentId }: ContentName, { intendedTrackType, period }: RequestedKey): KeyId {
  const name = JSON.stringify([tenant, contentId, intendedTrackType ?? null, period?.index ?? null]);
  const bytes = createHash('sha1').update(NAMESPACE).update(name).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return keyIdFromBytes(bytes);
}

type FixedKeys = Extract<TenantPolicy['keyIdOverride'], { mode: 'fixed' }>['keys'];

function fixedKey(keys: FixedKeys, { keyId, intendedTrackType }: RequestedKey): OverriddenKey {
  const row = keys.find(({ trackType }) => matchesPattern(trackType, intendedTrackType ?? ''));
  if (!row) throw new Fault('INVALID_REQUEST', `no key is configured for the track type of key ${keyId}`);
  return { keyId: row.keyId, fixedKey: Buffer.from(row.key, 'base64') };
}
