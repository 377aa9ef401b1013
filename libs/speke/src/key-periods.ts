import { attribute, membersOf, type XmlElement } from '@latchkey/cpix';
import type { Faults } from './faults';
import { parseWholeNumber } from './numbers';
import type { SpekeProfile } from './profile';

/** CPIX ContentKeyPeriod: times as the encryptor wrote them. */
export interface KeyPeriod {
  readonly index?: number;
  /** xs:dateTime, live. */
  readonly start?: string;
  readonly end?: string;
  /** xs:duration, from the beginning of the content. */
  readonly startOffset?: string;
  readonly endOffset?: string;
}

/** CPIX 2.3: the index rolls over at MAX_UINT32. */
const LAST_INDEX = 0xffff_ffff;
const LONGEST_TIME = 64;

/** The periods by id, in document order. */
export function readKeyPeriods(
  list: XmlElement | undefined,
  profile: SpekeProfile,
  faults: Faults,
): ReadonlyMap<string, KeyPeriod> {
  const periods = new Map<string, KeyPeriod>();
  for (const element of membersOf(list, 'ContentKeyPeriod')) {
    const id = attribute(element, 'id') ?? '';
    if (id === '') faults.add('INVALID_PERIOD', element, { detail: 'it has no id' });
    else if (periods.has(id)) faults.add('INVALID_PERIOD', element, { attribute: 'id', detail: 'another has that id' });
    periods.set(id, { ...readIndex(element, profile, faults), ...readTimes(element, faults) });
  }
  periods.delete('');
  return periods;
}

function readIndex(element: XmlElement, profile: SpekeProfile, faults: Faults): Pick<KeyPeriod, 'index'> {
  const text = attribute(element, 'index');
  if (text === undefined) {
    if (profile.generation === 2) faults.add('INVALID_PERIOD', element, { detail: 'it has no index' });
    return {};
  }
  const index = parseWholeNumber(text);
  if (index !== undefined && index <= LAST_INDEX) return { index };
  faults.add('INVALID_PERIOD', element, { attribute: 'index', detail: `the index is from 0 to ${LAST_INDEX}` });
  return {};
}

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$/;
const DURATION = /^P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$/;

const TIMES = [
  { name: 'start', kind: 'xs:dateTime', isTime: isDateTime },
  { name: 'end', kind: 'xs:dateTime', isTime: isDateTime },
  { name: 'startOffset', kind: 'xs:duration', isTime: (text: string) => DURATION.test(text) },
  { name: 'endOffset', kind: 'xs:duration', isTime: (text: string) => DURATION.test(text) },
] as const;

function readTimes(element: XmlElement, faults: Faults): Omit<KeyPeriod, 'index'> {
  const times: Partial<Record<(typeof TIMES)[number]['name'], string>> = {};
  for (const { name, kind, isTime } of TIMES) {
    const text = attribute(element, name);
    if (text === undefined) continue;
    if (text.length <= LONGEST_TIME && isTime(text)) times[name] = text;
    else faults.add('INVALID_PERIOD', element, { attribute: name, detail: `it is no ${kind}` });
  }
  return times;
}

function isDateTime(text: string): boolean {
  return DATE_TIME.test(text) && !Number.isNaN(Date.parse(text));
}
