import { parseSystemId, type SystemId } from '@latchkey/cenc';
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
  const systemId = parseSystemId(attribute(element, 'systemId') ?? '');
  if (!key) throw new Error('a DRMSystem has no answer');
  const said = signaling.get(systemId)?.get(key.requested.keyId);
  const children = element.children.flatMap((child) => fillChild(child, said, profile));
  const filled = withAnsweredKid(
    { ...element, children: children.map((child) => withRobustness(child, key, systemId)) },
    key,
  );
  return withAllowedCpc(filled, key, systemId);
}

function fillChild(child: XmlNode, said: KeySignaling | undefined, profile: SpekeProfile): XmlNode[] {
  if (typeof child === 'string') return [];
  const asked = askedBy(child, profile);
  if (asked === undefined) return [child];
  if (asked === 'nothing') return [];
  const value = said?.[asked];
  return value === undefined ? [] : [{ ...child, children: [value] }];
}

function withRobustness(child: XmlNode, { policy }: KeyAnswer, systemId: SystemId): XmlNode {
  if (typeof child === 'string' || child.namespace !== NAMESPACES.cpix) return child;
  if (child.name !== 'ContentProtectionData') return child;
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
