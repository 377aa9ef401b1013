/** Long enough for Long.MAX_VALUE, which some write for "no limit". */
const WHOLE_NUMBER = /^\+?\d{1,19}$/;

/**
 * A non-negative xs:integer: decimal digits, a plus sign at most, white space around it. Undefined for all that Number()
 * would take besides: hexadecimal, exponents, nothing at all.
 */
export function parseWholeNumber(text: string): number | undefined {
  const digits = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  return WHOLE_NUMBER.test(digits) ? Number(digits) : undefined;
}
