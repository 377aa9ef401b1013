/** Undefined, which no contract allows, for what is no JSON: the parser's own message would quote the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Undefined for what takes more bytes than the bus does. */
export function writeJson(value: unknown, maxBytes: number): string | undefined {
  const text = JSON.stringify(value);
  // At most three bytes of UTF-8 for each unit of a string: bytes are counted only where it matters.
  const fits = 3 * text.length <= maxBytes || Buffer.byteLength(text) <= maxBytes;
  return fits ? text : undefined;
}

/** Whether its JSON has at most so many bytes. It is written only where a quick look at its size does not tell. */
export function fitsAsJson(value: unknown, maxBytes: number): boolean {
  return MOST_BYTES_PER_UNIT * unitsOf(value) <= maxBytes || writeJson(value, maxBytes) !== undefined;
}

/** `\u001f`: six bytes for one unit of a string. */
const MOST_BYTES_PER_UNIT = 6;
/** Of a number, `true` or `null`, and of what is around a value: quotes, a colon, a comma. */
const UNITS_OF_A_VALUE = 8;

function unitsOf(value: unknown): number {
  if (typeof value === 'string') return value.length + UNITS_OF_A_VALUE;
  if (typeof value !== 'object' || value === null) return UNITS_OF_A_VALUE;
  let units = UNITS_OF_A_VALUE;
  for (const name in value) units += name.length + unitsOf((value as Record<string, unknown>)[name]);
  return units;
}
