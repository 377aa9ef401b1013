import type { KeyId } from '@latchkey/cenc';
import { masterPlaylistTag, mediaPlaylistTag, type HlsKey } from './hls-key';

/** All that a DRM system says about one key. What it has no word for is absent. */
export interface DrmSignaling {
  /** The whole box. */
  readonly pssh?: Uint8Array;
  /** The inner elements of DASH's ContentProtection. */
  readonly contentProtectionData?: string;
  readonly hlsKey?: HlsKey | undefined;
  /** The PlayReady Object: inner text of Smooth Streaming's ProtectionHeader. */
  readonly smoothProtectionHeader?: Uint8Array;
}

/** Of what a system says, each item that a request can ask for: CPIX 2.3, 5.4 and AWS's SPEKE 1. */
const ITEMS = {
  pssh: (said) => said.pssh,
  contentProtectionData: (said) => said.contentProtectionData,
  hlsMedia: (said) => said.hlsKey && mediaPlaylistTag(said.hlsKey),
  hlsMaster: (said) => said.hlsKey && masterPlaylistTag(said.hlsKey),
  smoothProtectionHeader: (said) => said.smoothProtectionHeader,
  uriExtXKey: (said) => said.hlsKey?.uri,
  keyFormat: (said) => said.hlsKey?.keyFormat,
  keyFormatVersions: (said) => said.hlsKey?.keyFormatVersions,
} satisfies Record<string, (said: DrmSignaling) => Uint8Array | string | undefined>;

export type SignalingItemName = keyof typeof ITEMS;
export type SignaledKey = { keyId: KeyId } & Partial<Record<SignalingItemName, string>>;

/** What was asked for and means something, each item once in base64; text is UTF-8 without a byte order mark. */
export function answerItems(keyId: KeyId, wants: readonly SignalingItemName[], said: DrmSignaling): SignaledKey {
  const answer: SignaledKey = { keyId };
  for (const item of wants) {
    const value = ITEMS[item](said);
    if (value !== undefined) answer[item] = Buffer.from(value as Uint8Array).toString('base64');
  }
  return answer;
}
