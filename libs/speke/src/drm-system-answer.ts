import type { SystemId } from '@latchkey/cenc';
import { attribute, NAMESPACES, type XmlElement, type XmlNode } from '@latchkey/cpix';
import {
  withAnsweredKid,
  withAttribute,
  withoutAttribute,
  type KeyAnswer,
  type KeySignaling,
  type SignalingBySystem,
} from './key-answer';
import { bySystem } from './output-policy';
import type { SpekeProfile } from './profile';
import { askedBy } from './signaling-items';

/** A DRMSystem whose placeholders are filled or gone, its children in the order in which they came. */
export function fillDrmSystem(
  element: XmlElement,
  key: KeyAnswer | undefined,
  signaling: SignalingBySystem,
  profile: SpekeProfile,
): XmlElement {
  if (!key) throw new Error('a DRMSystem has no answer');
  const systemId = systemIdOf(element);
  const said = signaling.get(systemId)?.get(key.requested.keyId);
  const children: XmlNode[] = [];
  for (const child of element.children) {
    const filled = fillChild(child, said, profile);
    if (filled) children.push(withRobustness(filled, key, systemId));
  }
  return withAllowedCpc(withAnsweredKid({ ...element, children }, key), key, systemId);
}

/** It was checked when the request was read. */
function systemIdOf(element: XmlElement): SystemId {
  return attribute(element, 'systemId')?.toLowerCase() as SystemId;
}

function fillChild(child: XmlNode, said: KeySignaling | undefined, profile: SpekeProfile): XmlElement | undefined {
  if (typeof child === 'string') return undefined;
  const asked = askedBy(child, profile);
  if (asked === undefined) return child;
  const base64 = asked === 'nothing' ? undefined : said?.[asked];
  return base64 === undefined ? undefined : { ...child, children: NOTHING_ELSE, base64 };
}

const NOTHING_ELSE: readonly XmlNode[] = [];

function withRobustness(child: XmlElement, { policy }: KeyAnswer, systemId: SystemId): XmlElement {
  if (child.name !== 'ContentProtectionData' || child.namespace !== NAMESPACES.cpix) return child;
  return withPolicyValue(child, 'robustness', bySystem(policy.robustness, systemId));
}

function withAllowedCpc(element: XmlElement, { policy }: KeyAnswer, systemId: SystemId): XmlElement {
  return withPolicyValue(element, 'HLSAllowedCPC', bySystem(policy.hlsAllowedCpc, systemId));
}

/** A value that the encryptor wrote itself stays: everything it sent must come back. An empty one that nobody fills goes. */
function withPolicyValue(element: XmlElement, name: string, value: string | undefined): XmlElement {
  const written = attribute(element, name);
  if (written) return element;
  if (value !== undefined) return withAttribute(element, name, value);
  return written === undefined ? element : withoutAttribute(element, name);
}
