import type { ContentKey, KeyId, SystemId } from '@latchkey/cenc';
import type { EncryptedSecret, RecipientKeys } from '@latchkey/cpix';
import type { SignalingItem, SpekeRequest } from './request';

/** A key as key-service answered it, its secret either in the clear or under the document key. */
export interface AnsweredKey {
  readonly requestedKeyId: KeyId;
  /** Another one than requested only where the tenant overrides key IDs. */
  readonly keyId: KeyId;
  readonly explicitIv?: string | undefined;
  readonly secret: EncryptedSecret | { readonly kind: 'clear'; readonly contentKey: ContentKey };
}

/** What a system says for one key: base64 texts by item; what means nothing is left out. */
export type KeySignaling = { readonly keyId: KeyId } & {
  readonly [item in SignalingItem]?: string | undefined;
};

/** SPEKE 2.1, by track type (`*` stands for any text): the first that fits holds. */
export interface TrackPolicy {
  readonly trackType: string;
  readonly hdcp?: { readonly hlsLevel: string; readonly outputProtection?: string | undefined } | undefined;
  /** By system ID. */
  readonly robustness?: Readonly<Record<string, string>> | undefined;
  readonly hlsAllowedCpc?: Readonly<Record<string, string>> | undefined;
}

export interface AnswerParts {
  /** In any order: found by `requestedKeyId`. */
  readonly keys: readonly AnsweredKey[];
  /** In the order of the certificates; needed when the request brought recipients. */
  readonly recipients?: readonly RecipientKeys[] | undefined;
  /** For each system the entries in the order of `request.systems[].keys`; a system that nothing was asked of may be absent. */
  readonly signaling: ReadonlyMap<SystemId, readonly KeySignaling[]>;
  readonly tracks?: readonly TrackPolicy[] | undefined;
}

/** The document that came in, filled: XML text. Throws Error when the parts do not fit the request: a fault of ours. */
export function answerSpekeRequest(_request: SpekeRequest, _parts: AnswerParts): string {
  throw new Error('not there yet');
}
