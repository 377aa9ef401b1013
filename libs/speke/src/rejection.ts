import type { Place } from '@latchkey/cpix';
import { CATALOGUE, type FaultCode } from './catalogue';
import type { SpekeVersion } from './version';

/** One thing that is wrong with a request. */
export interface SpekeFault {
  readonly code: FaultCode;
  /** SPEKE's official text where there is one, else ours; values filled in. */
  readonly text: string;
  /** What is wrong in this case, when the text alone does not tell. */
  readonly detail?: string;
  readonly place?: Place;
}

/** A request refused, with all its faults in the order in which they are reported; there is at least one. */
export class SpekeRejection extends Error {
  override readonly name = 'SpekeRejection';

  constructor(
    readonly faults: readonly [SpekeFault, ...SpekeFault[]],
    readonly version: SpekeVersion | undefined,
    options?: ErrorOptions,
  ) {
    super(faults[0].text, options);
  }

  /** A rejection for one reason; `values` fill the text's placeholders. */
  static of(
    code: FaultCode,
    values: Readonly<Record<string, string>>,
    version: SpekeVersion | undefined,
    more: { readonly detail?: string; readonly place?: Place } = {},
  ): SpekeRejection {
    return new SpekeRejection([{ code, text: fill(CATALOGUE[code].text, values), ...more }], version);
  }

  get code(): FaultCode {
    return this.faults[0].code;
  }

  /** HTTP status. SPEKE 2 says 422 for what is wrong in a document, SPEKE 1 any 4xx: there it is 400. */
  get status(): number {
    const { status } = CATALOGUE[this.code];
    return status === 422 && this.version === '1.0' ? 400 : status;
  }
}

/** The answer's body and its Content-Type. Text: the first fault's text alone on the first line, then every fault with its place. */
export function describeRejection(
  rejection: SpekeRejection,
  options: { readonly as: 'text' | 'problem+json'; readonly docs?: string; readonly requestId?: string },
): { readonly contentType: string; readonly body: string } {
  return { contentType: options.as, body: rejection.message };
}

function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');
}
