export const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** A regular expression looks at each character, at a nanosecond or two; signaling is thousands of them. */
const LONG = 64;
/** Where texts are decoded to be checked; of a larger one its own. What crosses the bus is public, encrypted or sealed. */
const scratch = Buffer.allocUnsafeSlow(48 * 1024);

/** RFC 4648, section 4, with or without padding; no white space. */
export function isBase64(text: string): boolean {
  if (text.length < LONG || text.length % 4 !== 0) return BASE64.test(text);
  // Node's decoder passes over what is not of the alphabet, and takes base64url's two characters too.
  const bytes = (text.length / 4) * 3 - paddingOf(text);
  const decoded = bytes <= scratch.length ? scratch.write(text, 'base64') : Buffer.from(text, 'base64').length;
  return decoded === bytes && !text.includes('-') && !text.includes('_');
}

function paddingOf(text: string): number {
  if (text.endsWith('==')) return 2;
  return text.endsWith('=') ? 1 : 0;
}
