import type { ContentKey } from '@latchkey/cenc';
import {
  attribute,
  base64Element,
  encryptedValue,
  ENCRYPTION_ALGORITHMS,
  NAMESPACES,
  newElement,
  type EncryptedSecret,
  type XmlElement,
  type XmlNode,
} from '@latchkey/cpix';
import { withAnsweredKid, withAttribute, type KeyAnswer } from './key-answer';
import type { OutputPolicy } from './output-policy';

/** A ContentKey with its secret, its IV where one is needed, and SPEKE 2.1's HDCPData where a policy says so. */
export function fillContentKey(element: XmlElement, key: KeyAnswer | undefined): XmlElement {
  if (!key) throw new Error('a ContentKey has no answer');
  const { secret } = key.answered;
  const children = placeData(element.children, dataOf(secret));
  const hdcp = hdcpData(element, key.policy);
  return withExplicitIv(withAnsweredKid({ ...element, children: hdcp ? [hdcp, ...children] : children }, key), key);
}

/** Elements that stand before Data in the schemas (pskc's key, CPIX 2.4's HDCPData). */
const BEFORE_DATA = new Set(['Issuer', 'AlgorithmParameters', 'KeyProfileId', 'KeyReference', 'FriendlyName']);

/** Data in place of what stood there for it, else where the schemas have it. HDCPData goes: it is put before. */
function placeData(children: readonly XmlNode[], data: XmlElement): XmlNode[] {
  const before: XmlNode[] = [];
  const after: XmlNode[] = [];
  for (const child of children) {
    if (typeof child === 'string' || isCpix(child, 'Data') || isCpix(child, 'HDCPData')) continue;
    if (isCpix(child) && BEFORE_DATA.has(child.name)) before.push(child);
    else after.push(child);
  }
  return [...before, data, ...after];
}

function isCpix(element: XmlElement, name = element.name): boolean {
  return element.namespace === NAMESPACES.cpix && element.name === name;
}

function dataOf(secret: KeyAnswer['answered']['secret']): XmlElement {
  const value = secret.kind === 'clear' ? [plainValue(secret.contentKey)] : sealedValue(secret);
  return newElement('cpix', 'Data', [newElement('pskc', 'Secret', value)]);
}

function plainValue(contentKey: ContentKey): XmlElement {
  return base64Element(
    'pskc',
    'PlainValue',
    contentKey.expose((bytes) => bytes.toString('base64')),
  );
}

function sealedValue({ cipherValue, valueMac }: EncryptedSecret): XmlElement[] {
  return [encryptedValue(ENCRYPTION_ALGORITHMS.contentKey, cipherValue), base64Element('pskc', 'ValueMAC', valueMac)];
}

/** The encryptor's IV stays byte for byte; ours is added only where the player could not do without. */
function withExplicitIv(element: XmlElement, { requested, answered }: KeyAnswer): XmlElement {
  if (attribute(element, 'explicitIV') !== undefined || !requested.needsExplicitIv) return element;
  if (answered.explicitIv === undefined) throw new Error('a key that needs an explicit IV was answered without one');
  return withAttribute(element, 'explicitIV', answered.explicitIv);
}

/** What the encryptor wrote itself, if that says anything, as everything that it sent; else what the policy says. */
function hdcpData(contentKey: XmlElement, { hdcp }: OutputPolicy): XmlElement | undefined {
  const sent = contentKey.children.find(
    (child): child is XmlElement => typeof child !== 'string' && isCpix(child, 'HDCPData'),
  );
  if (sent && (sent.attributes.length > 0 || sent.children.length > 0)) return sent;
  if (!hdcp) return undefined;
  const protection = hdcp.outputProtection;
  const children = protection === undefined ? [] : [outputProtectionData(protection)];
  return newElement('cpix', 'HDCPData', children, { HLSHDCPLevel: hdcp.hlsLevel });
}

function outputProtectionData(xml: string): XmlElement {
  return base64Element('cpix', 'HDCPOutputProtectionData', Buffer.from(xml).toString('base64'));
}
