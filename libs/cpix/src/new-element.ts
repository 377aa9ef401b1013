import { NAMESPACES, type CustomaryPrefix } from './namespaces';
import type { XmlAttribute, XmlElement, XmlNode } from './xml-element';

/** An element of one of CPIX's namespaces. */
export function newElement(
  prefix: CustomaryPrefix,
  name: string,
  children: readonly XmlNode[] = [],
  attributes: Readonly<Record<string, string>> = {},
): XmlElement {
  const named = Object.entries(attributes).map(([attribute, value]) => newAttribute(attribute, value));
  return { namespace: NAMESPACES[prefix], name, prefix, attributes: named, children };
}

/** An element with base64 in it. Whoever calls this has made it, or has seen that it is: it is written as it is. */
export function base64Element(prefix: CustomaryPrefix, name: string, base64: string): XmlElement {
  return { namespace: NAMESPACES[prefix], name, prefix, attributes: [], children: [], base64 };
}

/** One of CPIX's own attributes, which are unqualified. */
export function newAttribute(name: string, value: string): XmlAttribute {
  return { namespace: '', name, value, prefix: '' };
}

/** pskc:EncryptedValue: a ciphertext in base64 and how it was made. */
export function encryptedValue(algorithm: string, cipherValue: string): XmlElement {
  return newElement('pskc', 'EncryptedValue', [
    newElement('enc', 'EncryptionMethod', [], { Algorithm: algorithm }),
    newElement('enc', 'CipherData', [base64Element('enc', 'CipherValue', cipherValue)]),
  ]);
}
