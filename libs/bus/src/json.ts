import type { Packed } from './transport';

/** Undefined, which no contract allows, for what is no JSON: the parser's own message would quote the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Undefined for what takes more bytes than the bus does. */
export function writeJson(value: unknown, maxBytes: number, text = JSON.stringify(value)): string | undefined {
  // At most three bytes of UTF-8 for each unit of a string: bytes are counted only where it matters.
  const fits = 3 * text.length <= maxBytes || Buffer.byteLength(text) <= maxBytes;
  return fits ? text : undefined;
}

/** The NATS client's own way, a TextEncoder, takes two to four times as long, and a buffer of its own for each text. */
export function toBytes(body: Packed): Buffer {
  return Buffer.from(body as string);
}

/**
 * Whether its JSON has at most so many bytes, where only a field of its own, a long text or a long list, can make it longer: what is
 * in lists is small by contract. It is not written to find out, unless there is such a field.
 */
export function fitsAsJson(value: unknown, maxBytes: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  for (const name in value) {
    if (isLong((value as Record<string, unknown>)[name])) return writeJson(value, maxBytes) !== undefined;
  }
  return true;
}

const LONG_TEXT = 10_000;
const LONG_LIST = 64;

function isLong(field: unknown): boolean {
  if (typeof field === 'string') return field.length > LONG_TEXT;
  return Array.isArray(field) && field.length > LONG_LIST;
}
