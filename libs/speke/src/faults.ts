import { CpixError, placeOf, type XmlElement } from '@latchkey/cpix';
import { rankOf, type FaultCode } from './catalogue';
import { describeFault, SpekeRejection, type SpekeFault } from './rejection';
import type { SpekeVersion } from './speke-version';

/** Where a fault stands, and what fills its text. */
export interface FaultPlace {
  readonly attribute?: string | undefined;
  readonly detail?: string | undefined;
  readonly values?: Readonly<Record<string, string>> | undefined;
}

/** Enough for a person to read; past it a document is only more wrong. */
const MOST_FAULTS = 64;

/** All that is found wrong with one document. */
export class Faults {
  readonly #found: SpekeFault[] = [];
  /** As the document states it, if it is one. */
  contentId: string | undefined;

  constructor(readonly version: SpekeVersion) {}

  get some(): boolean {
    return this.#found.length > 0;
  }

  add(code: FaultCode, element: XmlElement, more: FaultPlace = {}): void {
    if (this.#found.length >= MOST_FAULTS) return;
    const place = placeOf(element, more.attribute);
    this.#found.push(describeFault(code, more.values ?? {}, { detail: more.detail, place }));
  }

  /** Throws SpekeRejection if anything was found: by the catalogue's order, and by the document's within one code. */
  throwIfAny(): void {
    if (!this.some) return;
    const [first, ...others] = this.#found.toSorted((one, other) => rankOf(one.code) - rankOf(other.code));
    if (first) throw new SpekeRejection([first, ...others], this.version, { contentId: this.contentId });
  }
}

/** What the XML reader refused, in SPEKE's terms; any other error as it is. */
export function refusalOf(error: unknown, version: SpekeVersion): unknown {
  if (!(error instanceof CpixError) || error.code === 'UNWRITABLE_TEXT') return error;
  const { code, message: detail, place } = error;
  return SpekeRejection.of(code, {}, version, { detail, place, cause: error });
}
