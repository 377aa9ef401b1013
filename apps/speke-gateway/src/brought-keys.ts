import { ContentKey, CONTENT_KEY_BYTES, isKeyId, type KeyId } from '@latchkey/cenc';
import { attribute, childElements, NAMESPACES, parseXml, serialiseXml, textOf, type XmlElement } from '@latchkey/cpix';
import {
  parseSpekeRequest,
  SpekeRejection,
  type ParseOptions,
  type SpekeRequest,
  type SpekeVersion,
} from '@latchkey/speke';

/** A document that came with its keys, taken apart. */
export interface BroughtDocument {
  /** What SPEKE asks of a document it keeps asking of this one. */
  readonly request: SpekeRequest;
  /** The document without its keys. */
  readonly text: string;
  readonly contentKeys: ReadonlyMap<KeyId, ContentKey>;
  /** Zeroes the keys. */
  dispose(): void;
}

/** Throws SpekeRejection. The caller disposes of what it gets. */
export function takeKeysOut(version: SpekeVersion, body: Buffer, options: ParseOptions): BroughtDocument {
  const root = read(version, body, options);
  const contentKeys = new Map<KeyId, ContentKey>();
  const dispose = () => {
    for (const contentKey of contentKeys.values()) contentKey.dispose();
  };
  try {
    for (const element of contentKeyElements(root)) addKey(contentKeys, element, version);
    const text = serialiseXml(withoutKeys(root));
    return { request: parseSpekeRequest(version, Buffer.from(text), options), text, contentKeys, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** What is wrong with the XML itself is told by the reader of requests. */
function read(version: SpekeVersion, body: Buffer, options: ParseOptions): XmlElement {
  try {
    return parseXml(body, options.limits);
  } catch (error) {
    parseSpekeRequest(version, body, options);
    throw error;
  }
}

function contentKeyElements(root: XmlElement): XmlElement[] {
  return childElements(root, NAMESPACES.cpix, 'ContentKeyList').flatMap((list) =>
    childElements(list, NAMESPACES.cpix, 'ContentKey'),
  );
}

/** A kid that is none is told about when the document is read as a request. */
function addKey(contentKeys: Map<KeyId, ContentKey>, element: XmlElement, version: SpekeVersion): void {
  const kid = attribute(element, 'kid')?.toLowerCase();
  if (!isKeyId(kid)) return;
  const [plain, second] = childElements(element, NAMESPACES.cpix, 'Data')
    .flatMap((data) => childElements(data, NAMESPACES.pskc, 'Secret'))
    .flatMap((secret) => childElements(secret, NAMESPACES.pskc, 'PlainValue'));
  if (!plain || second) throw unusableKey(kid, version, 'it must have one Data/Secret/PlainValue');
  const bytes = Buffer.from(textOf(plain), 'base64');
  try {
    if (bytes.length !== CONTENT_KEY_BYTES || bytes.toString('base64') !== textOf(plain)) {
      throw unusableKey(kid, version, `its PlainValue is not ${CONTENT_KEY_BYTES} bytes in base64`);
    }
    contentKeys.get(kid)?.dispose();
    contentKeys.set(kid, ContentKey.fromBytes(bytes));
  } finally {
    bytes.fill(0);
  }
}

function unusableKey(kid: KeyId, version: SpekeVersion, why: string): SpekeRejection {
  return SpekeRejection.of('UNANSWERABLE', {}, version, { detail: `key ${kid} cannot be imported: ${why}` });
}

function withoutKeys(root: XmlElement): XmlElement {
  return mapChildren(root, 'ContentKeyList', (list) =>
    mapChildren(list, 'ContentKey', (key) => ({
      ...key,
      children: key.children.filter((child) => typeof child === 'string' || child.name !== 'Data'),
    })),
  );
}

function mapChildren(element: XmlElement, name: string, change: (child: XmlElement) => XmlElement): XmlElement {
  const isMeant = (child: XmlElement) => child.name === name && child.namespace === NAMESPACES.cpix;
  return {
    ...element,
    children: element.children.map((child) => (typeof child !== 'string' && isMeant(child) ? change(child) : child)),
  };
}
