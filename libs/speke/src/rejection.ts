import type { Place } from '@latchkey/cpix';
import { CATALOGUE, type CatalogueEntry, type FaultCode } from './catalogue';
import type { SpekeVersion } from './speke-version';

/** One thing that is wrong with a request. */
export interface SpekeFault {
  readonly code: FaultCode;
  /** SPEKE's official text where there is one, else ours; values filled in. */
  readonly text: string;
  /** What is wrong in this case, when the text alone does not tell. */
  readonly detail?: string | undefined;
  readonly place?: Place | undefined;
}

/** What a fault has besides its code and text. */
export interface FaultDetails {
  readonly detail?: string | undefined;
  readonly place?: Place | undefined;
}

/** A request refused, with all its faults in the order in which they are told; there is at least one. */
export class SpekeRejection extends Error {
  override readonly name = 'SpekeRejection';
  /** Of the document, where it could be read: whoever watches must know whose keys are not there. */
  readonly contentId: string | undefined;

  constructor(
    readonly faults: readonly [SpekeFault, ...SpekeFault[]],
    readonly version: SpekeVersion | undefined,
    { contentId, ...options }: ErrorOptions & { readonly contentId?: string | undefined } = {},
  ) {
    super(faults[0].text, options);
    this.contentId = contentId;
  }

  /** A rejection for one reason; `values` fill the text's placeholders. */
  static of(
    code: FaultCode,
    values: Readonly<Record<string, string>>,
    version: SpekeVersion | undefined,
    more: FaultDetails & ErrorOptions = {},
  ): SpekeRejection {
    const { detail, place, cause } = more;
    return new SpekeRejection([describeFault(code, values, { detail, place })], version, { cause });
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

/** A fault as the catalogue words it. Values of the request are cut to a readable length. */
export function describeFault(
  code: FaultCode,
  values: Readonly<Record<string, string>>,
  details: FaultDetails = {},
): SpekeFault {
  const entry: CatalogueEntry = CATALOGUE[code];
  return {
    code,
    text: entry.text.replace(PLACEHOLDER, (_, name: string) => printable(values[name] ?? '')),
    ...details,
  };
}

const PLACEHOLDER = /\{(\w+)\}/g;
const LONGEST_VALUE = 64;

/** What a request wrote, fit to stand in a line of text: no line ends, no controls, no end of it. */
export function printable(value: string): string {
  const safe = value.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\u{fffd}');
  return safe.length > LONGEST_VALUE ? `${safe.slice(0, LONGEST_VALUE)}…` : safe;
}
