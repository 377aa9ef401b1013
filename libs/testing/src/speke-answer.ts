import { constants, createDecipheriv, createHmac, privateDecrypt, timingSafeEqual, type KeyObject } from 'node:crypto';
import { elementsNamed, readXmlTree, type TreeElement } from './xml-tree';

/** A content key as an encryptor has it in the end: in the clear. */
export interface AnsweredContentKey {
  readonly keyId: string;
  readonly key: Buffer;
  /** It came encrypted for the encryptor's certificate. */
  readonly encrypted: boolean;
  readonly explicitIv: string | undefined;
  readonly scheme: string | undefined;
}

/** What one DRMSystem says: the text of its children by element name, HLSSignalingData by `HLSSignalingData:<playlist>`. */
export interface AnsweredSystem {
  readonly systemId: string;
  readonly keyId: string;
  readonly items: ReadonlyMap<string, string>;
}

/** An answered document, read by code that shares nothing with what wrote it. */
export interface SpekeAnswer {
  readonly contentId: string;
  readonly keys: readonly AnsweredContentKey[];
  readonly systems: readonly AnsweredSystem[];
  readonly root: TreeElement;
}

const CPIX = 'urn:dashif:org:cpix';
const PSKC = 'urn:ietf:params:xml:ns:keyprov:pskc';

/** Throws Error when the document is not what an encryptor could use. */
export async function readSpekeAnswer(
  xml: string,
  recipient?: { privateKey: KeyObject; certificate: string },
): Promise<SpekeAnswer> {
  const root = await readXmlTree(xml);
  insist(root.uri === CPIX && root.name === 'CPIX', 'the root is not cpix:CPIX');
  const documentKeys = recipient && openDeliveryData(root, recipient);
  return {
    contentId: root.attributes.get('contentId') ?? root.attributes.get('id') ?? '',
    keys: elementsNamed(root, 'ContentKey').map((element) => readContentKey(element, documentKeys)),
    systems: elementsNamed(root, 'DRMSystem').map(readSystem),
    root,
  };
}

interface DocumentKeys {
  readonly documentKey: Buffer;
  readonly macKey: Buffer;
}

/** CPIX: the document key and MAC key for the recipient whose certificate is ours. */
function openDeliveryData(
  root: TreeElement,
  recipient: { privateKey: KeyObject; certificate: string },
): DocumentKeys | undefined {
  const ours = elementsNamed(root, 'DeliveryData').find((data) =>
    elementsNamed(data, 'X509Certificate').some(({ text }) => text.replace(/\s/g, '') === recipient.certificate),
  );
  if (!ours) return undefined;
  const documentKeyElement = only(ours, 'DocumentKey');
  insist(
    documentKeyElement.attributes.get('Algorithm')?.endsWith('aes256-cbc') === true,
    'the document key is no AES-256-CBC key',
  );
  const macMethod = only(ours, 'MACMethod');
  insist(macMethod.attributes.get('Algorithm')?.endsWith('hmac-sha512') === true, 'the MAC is not HMAC-SHA512');
  const macKeyElement = only(macMethod, 'Key');
  const macKey = unwrapRsa(macKeyElement, recipient.privateKey);
  const documentKey = unwrapRsa(documentKeyElement, recipient.privateKey);
  checkMac(macKeyElement, macKey);
  checkMac(documentKeyElement, macKey);
  insist(documentKey.length === 32 && macKey.length === 64, 'the document key or MAC key has another length');
  return { documentKey, macKey };
}

function unwrapRsa(element: TreeElement, privateKey: KeyObject): Buffer {
  insist(
    only(element, 'EncryptionMethod').attributes.get('Algorithm')?.endsWith('rsa-oaep-mgf1p') === true,
    'a key is not under RSA-OAEP',
  );
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return privateDecrypt({ key: privateKey, padding, oaepHash: 'sha1' }, cipherValue(element));
}

function readContentKey(element: TreeElement, documentKeys: DocumentKeys | undefined): AnsweredContentKey {
  const secret = only(element, 'Secret');
  insist(secret.uri === PSKC, 'Secret is not in the PSKC namespace');
  const plain = elementsNamed(secret, 'PlainValue');
  const encrypted = plain.length === 0;
  const key = encrypted ? decryptSecret(secret, documentKeys) : Buffer.from(plain[0]?.text ?? '', 'base64');
  insist(key.length === 16, 'a content key is not 16 bytes');
  return {
    keyId: element.attributes.get('kid') ?? '',
    key,
    encrypted,
    explicitIv: element.attributes.get('explicitIV'),
    scheme: element.attributes.get('commonEncryptionScheme'),
  };
}

/** IV[16] and AES-256-CBC with PKCS#7 padding; the MAC first. */
function decryptSecret(secret: TreeElement, documentKeys: DocumentKeys | undefined): Buffer {
  if (!documentKeys) throw new Error('a key is encrypted, and not for this encryptor');
  checkMac(secret, documentKeys.macKey);
  const bytes = cipherValue(secret);
  const decipher = createDecipheriv('aes-256-cbc', documentKeys.documentKey, bytes.subarray(0, 16));
  return Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]);
}

function checkMac(element: TreeElement, macKey: Buffer): void {
  const expected = createHmac('sha512', macKey).update(cipherValue(element)).digest();
  const actual = Buffer.from(only(element, 'ValueMAC').text, 'base64');
  insist(actual.length === expected.length && timingSafeEqual(actual, expected), 'a ValueMAC is wrong');
}

function cipherValue(element: TreeElement): Buffer {
  return Buffer.from(only(element, 'CipherValue').text, 'base64');
}

function readSystem(element: TreeElement): AnsweredSystem {
  return {
    systemId: element.attributes.get('systemId') ?? '',
    keyId: element.attributes.get('kid') ?? '',
    items: new Map(
      element.children.map((child) => {
        const playlist = child.attributes.get('playlist');
        return [playlist ? `${child.name}:${playlist}` : child.name, child.text];
      }),
    ),
  };
}

function only(element: TreeElement, name: string): TreeElement {
  const found = elementsNamed(element, name);
  insist(found.length === 1, `${element.name} has ${found.length} ${name}, not 1`);
  return found[0] as TreeElement;
}

function insist(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(`not an answer to use: ${otherwise}`);
}
