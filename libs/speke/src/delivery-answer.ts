import {
  base64Element,
  ENCRYPTION_ALGORITHMS,
  encryptedValue,
  NAMESPACES,
  newElement,
  type RecipientKeys,
  type XmlElement,
} from '@latchkey/cpix';

/** A DeliveryData with the document key and the MAC key for its certificate, where the schema has them. */
export function fillDeliveryData(element: XmlElement, keys: RecipientKeys | undefined): XmlElement {
  if (!keys) throw new Error('a recipient has no document key');
  const children = element.children.filter((child) => typeof child === 'string' || !isReplaced(child));
  const at = children.findIndex((child) => typeof child !== 'string' && child.name === 'DeliveryKey') + 1;
  return { ...element, children: children.toSpliced(at, 0, documentKey(keys), macMethod(keys)) };
}

function isReplaced({ namespace, name }: XmlElement): boolean {
  return namespace === NAMESPACES.cpix && (name === 'DocumentKey' || name === 'MACMethod');
}

function documentKey({ documentKey: value, documentKeyMac }: RecipientKeys): XmlElement {
  const secret = newElement('pskc', 'Secret', encryptedWithMac(value, documentKeyMac));
  return newElement('cpix', 'DocumentKey', [newElement('cpix', 'Data', [secret])], {
    Algorithm: ENCRYPTION_ALGORITHMS.contentKey,
  });
}

/** pskc's schema calls it MACKey; AWS's encryptors read it under this name. */
function macMethod({ macKey, macKeyMac }: RecipientKeys): XmlElement {
  return newElement('cpix', 'MACMethod', [newElement('cpix', 'Key', encryptedWithMac(macKey, macKeyMac))], {
    Algorithm: ENCRYPTION_ALGORITHMS.mac,
  });
}

function encryptedWithMac(value: string, mac: string): XmlElement[] {
  return [encryptedValue(ENCRYPTION_ALGORITHMS.documentKey, value), base64Element('pskc', 'ValueMAC', mac)];
}
