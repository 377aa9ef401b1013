import { NAMESPACES, type CustomaryPrefix } from './namespaces';
import type { XmlElement, XmlNode } from './xml-element';

/** An element of one of CPIX's namespaces. */
export function newElement(
  prefix: CustomaryPrefix,
  name: string,
  children: readonly XmlNode[] = [],
  attributes: Readonly<Record<string, string>> = {},
): XmlElement {
  return {
    namespace: NAMESPACES[prefix],
    prefix,
    name,
    children,
    attributes: Object.entries(attributes).map(([attribute, value]) => ({ namespace: '', name: attribute, value })),
  };
}

/** pskc:EncryptedValue: a ciphertext in base64 and how it was made. */
export function encryptedValue(algorithm: string, cipherValue: string): XmlElement {
  return newElement('pskc', 'EncryptedValue', [
    newElement('enc', 'EncryptionMethod', [], { Algorithm: algorithm }),
    newElement('enc', 'CipherData', [newElement('enc', 'CipherValue', [cipherValue])]),
  ]);
}
