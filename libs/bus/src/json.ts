/** Undefined, which no contract allows, for what is no JSON: the parser's own message would quote the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Undefined for what takes more bytes than the bus does. */
export function writeJson(content: unknown, maxBytes: number): string | undefined {
  const text = JSON.stringify(content);
  // At most three bytes of UTF-8 for each unit of a string: bytes are counted only where it matters.
  const fits = 3 * text.length <= maxBytes || Buffer.byteLength(text) <= maxBytes;
  return fits ? text : undefined;
}
