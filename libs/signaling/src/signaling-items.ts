import type { KeyId } from '@latchkey/cenc';
import { hlsAttributes, masterPlaylistTag, mediaPlaylistTag, type HlsKey } from './hls-key';

/** All that a DRM system says about one key. What it has no word for is absent. */
export interface DrmSignaling {
  /** Base64 of the whole box. */
  readonly pssh?: string;
  /** The inner elements of DASH's ContentProtection. */
  readonly contentProtectionData?: string;
  readonly hlsKey?: HlsKey | undefined;
  /** Base64 of the PlayReady Object: inner text of Smooth Streaming's ProtectionHeader. */
  readonly smoothProtectionHeader?: string;
}

/** Of what a system says, each item that a request can ask for: CPIX 2.3, 5.4 and AWS's SPEKE 1. */
const ITEMS = {
  pssh: (said) => said.pssh,
  contentProtectionData: (said) => base64(said.contentProtectionData),
  hlsMedia: (_said, attributes) => base64(attributes && mediaPlaylistTag(attributes)),
  hlsMaster: (_said, attributes) => base64(attributes && masterPlaylistTag(attributes)),
  smoothProtectionHeader: (said) => said.smoothProtectionHeader,
  uriExtXKey: (said) => base64(said.hlsKey?.uri),
  keyFormat: (said) => base64(said.hlsKey?.keyFormat),
  keyFormatVersions: (said) => base64(said.hlsKey?.keyFormatVersions),
} satisfies Record<string, (said: DrmSignaling, attributes: string | undefined) => string | undefined>;

export type SignalingItemName = keyof typeof ITEMS;
export type SignaledKey = { keyId: KeyId } & Partial<Record<SignalingItemName, string>>;

/** What was asked for and means something, each item in base64 once. */
export function answerItems(keyId: KeyId, wants: readonly SignalingItemName[], said: DrmSignaling): SignaledKey {
  const answer: SignaledKey = { keyId };
  const asksForTags = wants.includes('hlsMedia') || wants.includes('hlsMaster');
  const attributes = asksForTags && said.hlsKey ? hlsAttributes(said.hlsKey) : undefined;
  for (const item of wants) {
    const value = ITEMS[item](said, attributes);
    if (value !== undefined) answer[item] = value;
  }
  return answer;
}

/** Of UTF-8 without a byte order mark. */
function base64(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text).toString('base64');
}
