import { CpixError } from './error';

export type XmlEncoding = 'UTF-8' | 'UTF-16LE' | 'UTF-16BE';

const DECODERS = {
  'UTF-8': new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }),
  'UTF-16LE': new TextDecoder('utf-16le', { fatal: true, ignoreBOM: true }),
  'UTF-16BE': new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true }),
} as const satisfies Record<XmlEncoding, unknown>;

const BYTE_ORDER_MARK = '\ufeff';

/**
 * XML 1.0, 4.3.3: UTF-8 with or without a byte order mark, UTF-16 with one. Bytes that are not the encoding's are refused,
 * never replaced. Throws CpixError UNSUPPORTED_ENCODING or NOT_WELL_FORMED.
 */
export function decodeXml(bytes: Uint8Array): { readonly text: string; readonly encoding: XmlEncoding } {
  const encoding = encodingOf(bytes);
  const decoded = decode(bytes, encoding);
  if (!decoded.startsWith(BYTE_ORDER_MARK)) return { text: decoded, encoding };
  const text = decoded.slice(1);
  // saxes would take a second mark for the first one.
  if (text.startsWith(BYTE_ORDER_MARK)) throw new CpixError('NOT_WELL_FORMED', 'there are two byte order marks');
  return { text, encoding };
}

function encodingOf(bytes: Uint8Array): XmlEncoding {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'UTF-16LE';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'UTF-16BE';
  // UTF-16 or UTF-32 without a mark: its first '<' has a zero byte beside it.
  if (bytes[0] === 0 || bytes[1] === 0) throw unsupported('UTF-16 needs a byte order mark, and UTF-32 is not read');
  return 'UTF-8';
}

function decode(bytes: Uint8Array, encoding: XmlEncoding): string {
  try {
    return DECODERS[encoding].decode(bytes);
  } catch (cause) {
    throw new CpixError('NOT_WELL_FORMED', `the bytes are not ${encoding}`, undefined, { cause });
  }
}

function unsupported(why: string): CpixError {
  return new CpixError('UNSUPPORTED_ENCODING', why);
}
