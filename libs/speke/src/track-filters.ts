import { NAMESPACES, type XmlAttribute, type XmlElement } from '@latchkey/cpix';
import type { Faults } from './faults';
import { parseWholeNumber } from './numbers';

/** Numbers above `low` up to and including `high`. */
interface Range {
  readonly low: number;
  readonly high: number;
}

/** A VideoFilter or AudioFilter. */
export interface TrackFilter {
  readonly medium: 'video' | 'audio';
  /** It has attributes that count. */
  readonly bounded: boolean;
  readonly ranges: Readonly<Record<Quantity, Range>>;
  readonly hdr: boolean | undefined;
}

const QUANTITIES = ['pixels', 'fps', 'channels'] as const;
type Quantity = (typeof QUANTITIES)[number];

interface Bound {
  readonly quantity: Quantity;
  readonly end: 'low' | 'high';
  /** CPIX: both ends of pixels and channels belong to the range, of frame rates only the upper one. */
  readonly including?: boolean;
}

const BOUNDS: Readonly<Record<TrackFilter['medium'], ReadonlyMap<string, Bound>>> = {
  video: new Map<string, Bound>([
    ['minPixels', { quantity: 'pixels', end: 'low', including: true }],
    ['maxPixels', { quantity: 'pixels', end: 'high' }],
    ['minFps', { quantity: 'fps', end: 'low' }],
    ['maxFps', { quantity: 'fps', end: 'high' }],
  ]),
  audio: new Map<string, Bound>([
    ['minChannels', { quantity: 'channels', end: 'low', including: true }],
    ['maxChannels', { quantity: 'channels', end: 'high' }],
  ]),
};

const MEDIA: ReadonlyMap<string, TrackFilter['medium']> = new Map([
  ['VideoFilter', 'video'],
  ['AudioFilter', 'audio'],
]);

/** In a rule besides the filters: KeyPeriodFilter is read elsewhere, BitrateFilter is ignored by SPEKE. */
const NO_TRACK_FILTERS = new Set(['KeyPeriodFilter', 'BitrateFilter']);
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);
const UNBOUNDED: Range = { low: -Infinity, high: Infinity };
/** 1920 x 1080: UHD begins above. */
const HD_PIXELS = 2_073_600;

export function readFilters(rule: XmlElement, faults: Faults): TrackFilter[] {
  const filters: TrackFilter[] = [];
  for (const child of rule.children) {
    if (typeof child === 'string' || child.namespace !== NAMESPACES.cpix) continue;
    const medium = MEDIA.get(child.name);
    if (medium) filters.push(readFilter(child, medium, faults));
    else if (!NO_TRACK_FILTERS.has(child.name)) {
      faults.add('UNSUPPORTED_FILTER', child, { detail: 'SPEKE has no such filter' });
    }
  }
  return filters;
}

/**
 * Whether two filters of different rules have tracks in common and each has some for itself, in one quantity while all
 * others are equal. One within the other is an exception to it, which CPIX settles by order; different quantities are
 * different questions, which the encryption contract's own examples mix.
 */
export function cross(one: TrackFilter, other: TrackFilter): boolean {
  if (one.medium !== other.medium || one.hdr !== other.hdr) return false;
  const differing = QUANTITIES.filter((quantity) => !areEqual(one.ranges[quantity], other.ranges[quantity]));
  const [quantity] = differing;
  return differing.length === 1 && quantity !== undefined && rangesCross(one.ranges[quantity], other.ranges[quantity]);
}

export function reachesUhd(filter: TrackFilter): boolean {
  return filter.medium === 'video' && filter.ranges.pixels.high > HD_PIXELS;
}

function readFilter(element: XmlElement, medium: TrackFilter['medium'], faults: Faults): TrackFilter {
  const ranges = { pixels: UNBOUNDED, fps: UNBOUNDED, channels: UNBOUNDED };
  let bounded = false;
  let hdr: boolean | undefined;
  for (const each of element.attributes) {
    // Attributes of other namespaces are not CPIX's; SPEKE ignores wcg.
    if (each.namespace !== '' || (medium === 'video' && each.name === 'wcg')) continue;
    bounded = true;
    const bound = BOUNDS[medium].get(each.name);
    if (bound) ranges[bound.quantity] = narrow(ranges[bound.quantity], bound, each, element, faults);
    else if (medium === 'video' && each.name === 'hdr') hdr = readBoolean(each, element, faults);
    else faults.add('UNSUPPORTED_FILTER', element, { attribute: each.name, detail: 'SPEKE has no such attribute' });
  }
  if (QUANTITIES.some((quantity) => isInverted(quantity, ranges[quantity]))) faults.add('INVERTED_RANGE', element);
  return { medium, bounded, ranges, hdr };
}

function narrow(range: Range, bound: Bound, { name, value }: XmlAttribute, element: XmlElement, faults: Faults): Range {
  const number = parseWholeNumber(value);
  if (number !== undefined) return { ...range, [bound.end]: bound.including ? number - 1 : number };
  faults.add('INVALID_FILTER_VALUE', element, { attribute: name, detail: `${name} is no whole number` });
  return range;
}

function readBoolean({ name, value }: XmlAttribute, element: XmlElement, faults: Faults): boolean | undefined {
  const boolean = BOOLEANS.get(value.trim());
  if (boolean === undefined)
    faults.add('INVALID_FILTER_VALUE', element, { attribute: name, detail: `${name} is no boolean` });
  return boolean;
}

/** Equal bounds of a frame rate leave nothing either, but somebody may mean that one rate. */
function isInverted(quantity: Quantity, { low, high }: Range): boolean {
  return quantity === 'fps' ? low > high : low >= high;
}

function areEqual(one: Range, other: Range): boolean {
  return one.low === other.low && one.high === other.high;
}

function rangesCross(one: Range, other: Range): boolean {
  const overlap = Math.max(one.low, other.low) < Math.min(one.high, other.high);
  return overlap && !contains(one, other) && !contains(other, one);
}

function contains(outer: Range, inner: Range): boolean {
  return outer.low <= inner.low && outer.high >= inner.high;
}
