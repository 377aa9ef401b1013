import type { KeyId, ProtectionScheme } from '@latchkey/cenc';
import type { HlsMethod } from './hls-key';

/** What a request says of how a key protects: a scheme; in SPEKE 2.1 perhaps an HLS method; in SPEKE 1 nothing. */
export interface Protection {
  readonly scheme?: ProtectionScheme | undefined;
  readonly hlsMethod?: HlsMethod | undefined;
}

/**
 * The scheme a key is used with. AES-128 is no scheme of Common Encryption: it encrypts whole segments, and only clear
 * keys do that.
 */
export function schemeOf(key: Protection, unsaid: ProtectionScheme): ProtectionScheme | 'AES-128' {
  // First, because a request that names a method may say what scheme comes nearest to it.
  if (key.hlsMethod) return SCHEME_OF_METHOD[key.hlsMethod];
  return key.scheme ?? unsaid;
}

const SCHEME_OF_METHOD = { 'AES-128': 'AES-128', 'SAMPLE-AES': 'cbcs', 'SAMPLE-AES-CTR': 'cenc' } as const;

export interface KeyInDocument extends Protection {
  readonly keyId: KeyId;
  readonly period?: { readonly index?: number | undefined } | undefined;
}

/**
 * The keys a box about `key` lists: itself, or all of the document that are used like it: same scheme, same period.
 * Sorted, so that each of them gets the same bytes and an init segment one box.
 */
export function keysInBox<Key extends KeyInDocument>(
  key: Key,
  document: readonly Key[],
  whose: 'own' | 'all',
): readonly Key[] {
  if (whose === 'own') return [key];
  const alike = document.filter(
    (other) =>
      other.scheme === key.scheme && other.hlsMethod === key.hlsMethod && other.period?.index === key.period?.index,
  );
  const byId = new Map(alike.map((other) => [other.keyId, other]));
  return [...byId.values()].sort((a, b) => (a.keyId < b.keyId ? -1 : 1));
}
