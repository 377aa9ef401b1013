import { keyIdBytes, type KeyId, type ProtectionScheme } from '@latchkey/cenc';

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

/** The tag of a media playlist. */
export function mediaPlaylistTag(key: HlsKey): string {
  return `#EXT-X-KEY:${attributeList(key)}`;
}

/** The tag of a multivariant ("master") playlist, 4.3.4.5: the same attributes, or players take it for another key. */
export function masterPlaylistTag(key: HlsKey): string {
  return `#EXT-X-SESSION-KEY:${attributeList(key)}`;
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

// METHOD comes first: encryptors look for it there.
function attributeList(key: HlsKey): string {
  const iv = key.iv ? `,IV=0x${Buffer.from(key.iv).toString('hex')}` : '';
  const keyId = key.keyId ? `,KEYID=0x${keyIdBytes(key.keyId).toString('hex')}` : '';
  const format = `KEYFORMAT=${quoted(key.keyFormat)},KEYFORMATVERSIONS=${quoted(key.keyFormatVersions)}`;
  return `METHOD=${key.method},URI=${quoted(key.uri)}${iv}${keyId},${format}`;
}

/** A quoted-string has no escapes (4.2): what cannot stand in one must not get here. */
function quoted(text: string): string {
  if (/["\r\n]/.test(text)) throw new TypeError('a quoted-string holds no quote and no line break');
  return `"${text}"`;
}
