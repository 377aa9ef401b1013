import type { ContentKey, KeyId, SystemId } from '@latchkey/cenc';
import { newAttribute, type EncryptedSecret, type XmlElement } from '@latchkey/cpix';
import type { OutputPolicy } from './output-policy';
import type { RequestedKey } from './request';
import type { SignalingItem } from './signaling-items';

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

/** All that is known of one key of the request when the answer is written. */
export interface KeyAnswer {
  readonly requested: RequestedKey;
  readonly answered: AnsweredKey;
  /** SPEKE 2.1 only. */
  readonly policy: OutputPolicy;
}

export type SignalingBySystem = ReadonlyMap<SystemId, ReadonlyMap<KeyId, KeySignaling>>;

/** The kid as it is answered: in the encryptor's spelling, unless it is another one. */
export function withAnsweredKid(element: XmlElement, key: KeyAnswer | undefined): XmlElement {
  if (!key || key.answered.keyId === key.requested.keyId) return element;
  return withAttribute(element, 'kid', key.answered.keyId);
}

/** The attribute in its place if the element has it, else after the others. */
export function withAttribute(element: XmlElement, name: string, value: string): XmlElement {
  const changed = newAttribute(name, value);
  const at = element.attributes.findIndex((one) => one.name === name && one.namespace === '');
  return { ...element, attributes: at < 0 ? [...element.attributes, changed] : element.attributes.with(at, changed) };
}

export function withoutAttribute(element: XmlElement, name: string): XmlElement {
  const attributes = element.attributes.filter((one) => one.name !== name || one.namespace !== '');
  return { ...element, attributes };
}
