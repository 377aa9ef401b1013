import type { KeyId, SystemId } from '@latchkey/cenc';
import { attribute, NAMESPACES, serialiseXml, type RecipientKeys, type XmlElement, type XmlNode } from '@latchkey/cpix';
import { fillDeliveryData } from './delivery-answer';
import { fillContentKey } from './content-key-answer';
import { fillDrmSystem } from './drm-system-answer';
import {
  withAnsweredKid,
  withoutAttribute,
  type AnsweredKey,
  type KeyAnswer,
  type KeySignaling,
  type SignalingBySystem,
} from './key-answer';
import { policyFor, type TrackPolicy } from './output-policy';
import { PROFILES, type SpekeProfile } from './profile';
import type { SpekeRequest } from './request';

export interface AnswerParts {
  /** In any order: found by `requestedKeyId`. */
  readonly keys: readonly AnsweredKey[];
  /** In the order of the certificates; needed when the request brought recipients. */
  readonly recipients?: readonly RecipientKeys[] | undefined;
  /** For each system the entries in the order of `request.systems[].keys`; a system that nothing was asked of may be absent. */
  readonly signaling: ReadonlyMap<SystemId, readonly KeySignaling[]>;
  readonly tracks?: readonly TrackPolicy[] | undefined;
}

/**
 * The document that came in, filled: what was asked for is answered, placeholders that mean nothing are gone, all else is as
 * it was and where it was. Throws Error when the parts do not fit the request: a fault of ours, never the encryptor's.
 */
export function answerSpekeRequest(request: SpekeRequest, parts: AnswerParts): string {
  const profile = PROFILES[request.version];
  checkDelivery(request, parts);
  const keys = answersByKey(request, parts, profile);
  const signaling = signalingBySystem(request, parts);
  const fillers = new Map<string, Filler>([
    ['DeliveryData', (element, position) => fillDeliveryData(element, parts.recipients?.[position])],
    ['ContentKey', (element) => fillContentKey(element, keys.get(keyIdOf(element)))],
    ['DRMSystem', (element) => fillDrmSystem(element, keys.get(keyIdOf(element)), signaling, profile)],
    ['ContentKeyUsageRule', (element) => withAnsweredKid(element, keys.get(keyIdOf(element)))],
  ]);
  const { document } = request;
  const filled = { ...document, children: document.children.map((list) => fillList(list, fillers)) };
  const declared = declaredByRequest(document, profile);
  if (profile.generation === 1) return serialiseXml(filled, declared);
  // CPIX@id is SPEKE 1's content ID; SPEKE 2 ignores it in requests and wants none in answers. MediaPackage v2 rejects
  // answers that so much as declare SPEKE 1's namespace.
  return serialiseXml(withoutAttribute(filled, 'id'), declared, 'speke');
}

function keyIdOf(element: XmlElement): KeyId {
  return attribute(element, 'kid')?.toLowerCase() as KeyId;
}

/** No clear key leaves for a request that named recipients, and no answer leaves without what they need to read it. */
function checkDelivery(request: SpekeRequest, parts: AnswerParts): void {
  const kind = request.recipients ? 'encrypted' : 'clear';
  if (parts.keys.some(({ secret }) => secret.kind !== kind))
    throw new Error(`the secrets of the answer are not ${kind}`);
  if (request.recipients && request.recipients.length !== parts.recipients?.length) {
    throw new Error('the answer does not have the document key for each recipient');
  }
}

function answersByKey(request: SpekeRequest, parts: AnswerParts, profile: SpekeProfile): ReadonlyMap<KeyId, KeyAnswer> {
  const answered = new Map(parts.keys.map((key) => [key.requestedKeyId, key]));
  return new Map(
    request.keys.map((requested) => {
      const key = answered.get(requested.keyId);
      if (!key) throw new Error('the answer lacks a key of the request');
      const policy = profile.outputPolicy ? policyFor(requested.intendedTrackType, parts.tracks ?? []) : {};
      return [requested.keyId, { requested, answered: key, policy }];
    }),
  );
}

/** By the key ID that was asked for: the answered one may stand for several. */
function signalingBySystem(request: SpekeRequest, parts: AnswerParts): SignalingBySystem {
  const answeredKeyIds = new Map(parts.keys.map(({ requestedKeyId, keyId }) => [requestedKeyId, keyId]));
  return new Map(
    request.systems.map(({ systemId, keys }) => {
      const said = parts.signaling.get(systemId) ?? [];
      if (said.length > 0 && said.length !== keys.length) throw new Error(`${systemId} did not answer for each key`);
      const byKey = said.map((signaling, at) => [keys[at]?.keyId as KeyId, signaling] as const);
      const wrong = byKey.some(([keyId, signaling]) => signaling.keyId !== answeredKeyIds.get(keyId));
      if (wrong) throw new Error(`${systemId} answered for another key`);
      return [systemId, new Map(byKey)];
    }),
  );
}

/** One member of a list, and which of its kind it is. */
type Filler = (element: XmlElement, position: number) => XmlElement;

function fillList(list: XmlNode, fillers: ReadonlyMap<string, Filler>): XmlNode {
  if (typeof list === 'string' || list.namespace !== NAMESPACES.cpix) return list;
  let position = 0;
  const children = list.children.map((child) => {
    if (typeof child === 'string' || child.namespace !== NAMESPACES.cpix) return child;
    return fillers.get(child.name)?.(child, position++) ?? child;
  });
  return { ...list, children };
}

function declaredByRequest(document: XmlElement, profile: SpekeProfile) {
  const declared = Object.values(document.declares ?? {});
  const echoed = profile.generation === 1 ? (['speke', 'ds', 'enc'] as const) : (['ds', 'enc'] as const);
  return echoed.filter((prefix) => declared.includes(NAMESPACES[prefix]));
}
