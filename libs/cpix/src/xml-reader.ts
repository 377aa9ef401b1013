import { CpixError } from './error';
import { DEFAULT_LIMITS, type DocumentLimits } from './limits';
import { readPlain } from './plain-reader';
import { readStrictly } from './strict-reader';
import type { XmlElement } from './xml-element';
import { decodeXml } from './xml-encoding';

/**
 * Reads one XML 1.0 document with namespaces, strictly: what is not well-formed is refused, and so is every DOCTYPE, since
 * no encryptor needs one. Nothing is ever fetched. Throws CpixError with the place where it stopped.
 */
export function parseXml(bytes: Uint8Array, limits: Partial<DocumentLimits> = {}): XmlElement {
  const all = { ...DEFAULT_LIMITS, ...limits };
  if (bytes.length > all.bytes) {
    throw new CpixError('DOCUMENT_TOO_LARGE', `the document has ${bytes.length} bytes; ${all.bytes} are read`);
  }
  const { text, encoding } = decodeXml(bytes);
  if (!NOT_SPACE.test(text)) throw new CpixError('EMPTY_DOCUMENT', 'there is no document in the body');
  const plain = encoding === 'UTF-8' ? readPlain(text, all) : undefined;
  return plain ?? readStrictly(text, encoding, all);
}

const NOT_SPACE = /[^ \t\r\n]/;
