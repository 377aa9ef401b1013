import type { KeyId, ProtectionScheme } from '@latchkey/cenc';

export type HlsMethod = 'AES-128' | 'SAMPLE-AES' | 'SAMPLE-AES-CTR';

/** How a playlist says which key protects what follows: RFC 8216, 4.3.2.4. */
export interface HlsKey {
  readonly method: HlsMethod;
  readonly uri: string;
  /** 16 bytes. */
  readonly iv?: Uint8Array | undefined;
  /** KEYID: no attribute of RFC 8216; Widevine's players read it. */
  readonly keyId?: KeyId | undefined;
  readonly keyFormat: string;
  readonly keyFormatVersions: string;
}

/** The attribute list of both tags. METHOD comes first: encryptors look for it there. */
export function hlsAttributes(key: HlsKey): string {
  const iv = key.iv ? `,IV=0x${Buffer.from(key.iv).toString('hex')}` : '';
  const keyId = key.keyId ? `,KEYID=0x${key.keyId.replaceAll('-', '')}` : '';
  const format = `KEYFORMAT=${quoted(key.keyFormat)},KEYFORMATVERSIONS=${quoted(key.keyFormatVersions)}`;
  return `METHOD=${key.method},URI=${quoted(key.uri)}${iv}${keyId},${format}`;
}

/** The tag of a media playlist; `attributes` are those of `hlsAttributes`. */
export function mediaPlaylistTag(attributes: string): string {
  return `#EXT-X-KEY:${attributes}`;
}

/** The tag of a multivariant ("master") playlist, 4.3.4.5: the same attributes, or players take it for another key. */
export function masterPlaylistTag(attributes: string): string {
  return `#EXT-X-SESSION-KEY:${attributes}`;
}

/**
 * The METHOD of a protection scheme in fragmented MP4: cbcs is SAMPLE-AES; cenc is SAMPLE-AES-CTR, which players know
 * although RFC 8216 does not. HLS has no word for the other two.
 */
export const HLS_METHODS: Readonly<Record<ProtectionScheme, HlsMethod | undefined>> = {
  cbcs: 'SAMPLE-AES',
  cenc: 'SAMPLE-AES-CTR',
  cens: undefined,
  cbc1: undefined,
};

/** A quoted-string has no escapes (4.2): what cannot stand in one must not get here. */
function quoted(text: string): string {
  // One by one: URIs hold whole boxes, through which each of these runs many times faster than a regular expression.
  if (text.includes('"') || text.includes('\r') || text.includes('\n')) {
    throw new TypeError('a quoted-string holds no quote and no line break');
  }
  return `"${text}"`;
}
