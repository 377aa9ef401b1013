import { CATALOGUE } from './catalogue';
import type { SpekeFault, SpekeRejection } from './rejection';

export interface DescribeOptions {
  readonly as: 'text' | 'problem+json';
  /** Where docs/errors.md is published. */
  readonly docs?: string | undefined;
  readonly requestId?: string | undefined;
}

export interface RejectionBody {
  readonly contentType: string;
  readonly body: string;
}

/**
 * A refused request's answer. As text: the first fault's text alone on the first line, as SPEKE 2 has it, then every fault
 * with its place and code. As RFC 9457: the first fault is the problem, `faults` are all of them. At most 4 KB.
 */
export function describeRejection(rejection: SpekeRejection, options: DescribeOptions): RejectionBody {
  const told = withinSize(rejection.faults);
  const untold = rejection.faults.length - told.length;
  return options.as === 'text'
    ? { contentType: 'text/plain; charset=utf-8', body: asText(told, untold, options) }
    : { contentType: 'application/problem+json', body: JSON.stringify(asProblem(rejection, told, untold, options)) };
}

/** Under 4 KB together with what stands around it, in either form. */
const MOST_FAULTS_TOLD = 10;
const MOST_BYTES = 2_000;
const LONGEST_PATH = 160;
const DOCS = 'docs/errors.md';

function withinSize(faults: readonly SpekeFault[]): readonly SpekeFault[] {
  let left = MOST_BYTES;
  return faults.slice(0, MOST_FAULTS_TOLD).filter((fault, at) => {
    left -= Buffer.byteLength(`${fault.text}${fault.detail ?? ''}${pathOf(fault) ?? ''}`) + 64;
    return at === 0 || left > 0;
  });
}

function asText(faults: readonly SpekeFault[], untold: number, options: DescribeOptions): string {
  const lines = [faults[0]?.text, '', ...faults.map((fault, at) => `${at + 1}. ${inWords(fault)}`)];
  if (untold > 0) lines.push(`and ${untold} more.`);
  lines.push('', `What each code means and what helps: ${options.docs ?? DOCS}`);
  if (options.requestId !== undefined) lines.push(`Request ID: ${options.requestId}`);
  return `${lines.join('\n')}\n`;
}

function inWords(fault: SpekeFault): string {
  const { code, text, detail, place } = fault;
  const what = detail === undefined ? text : `${text}: ${detail}`;
  return place
    ? `${what}\n   at ${pathOf(fault)}, line ${place.line}, column ${place.column} [${code}]`
    : `${what} [${code}]`;
}

function asProblem(
  rejection: SpekeRejection,
  faults: readonly SpekeFault[],
  untold: number,
  options: DescribeOptions,
): object {
  const [first] = rejection.faults;
  return {
    type: helpFor(first, options),
    title: first.text,
    status: rejection.status,
    detail: first.detail ?? CATALOGUE[first.code].cause,
    code: first.code,
    faults: faults.map((fault) => ({
      code: fault.code,
      text: fault.text,
      detail: fault.detail,
      path: pathOf(fault),
      line: fault.place?.line,
      column: fault.place?.column,
    })),
    ...(untold > 0 && { untold }),
    requestId: options.requestId,
  };
}

function helpFor(fault: SpekeFault, options: DescribeOptions): string {
  return `${options.docs ?? DOCS}#${fault.code.toLowerCase()}`;
}

/** The end of a path tells more than its beginning. */
function pathOf(fault: SpekeFault): string | undefined {
  const path = fault.place?.path;
  return path === undefined || path.length <= LONGEST_PATH ? path : `…${path.slice(-LONGEST_PATH)}`;
}
