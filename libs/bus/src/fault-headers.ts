import { Fault, isFaultCode } from '@latchkey/messages';
import { ERROR_CODE_HEADER, ERROR_HEADER, type BusAnswer, type BusHeaders } from './transport';

const MAX_DETAIL = 512;

/** How a fault crosses: its code and detail in headers, an empty body. */
export function faultAnswer(fault: Fault): BusAnswer {
  return { body: '', headers: { [ERROR_CODE_HEADER]: fault.code, [ERROR_HEADER]: oneLine(fault.message) } };
}

/** A code that this version does not know is INTERNAL: what it means is not known either. */
export function faultOf(headers: BusHeaders): Fault | undefined {
  const code = headers[ERROR_CODE_HEADER];
  if (code === undefined) return undefined;
  const detail = headers[ERROR_HEADER] ?? '';
  return isFaultCode(code) ? new Fault(code, detail) : new Fault('INTERNAL', `unknown fault ${code}`);
}

/** A header value is one line. */
function oneLine(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .trim()
    .slice(0, MAX_DETAIL);
}
