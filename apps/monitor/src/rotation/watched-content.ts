/** What is known of a content whose keys rotate. Times are epoch milliseconds by the clock of who issued. */
export interface WatchedContent {
  readonly tenant: string;
  readonly contentId: string;
  /** Who asked last, as the audit record names it. */
  readonly encryptorId: string | undefined;
  readonly lastKeyIds: readonly string[];
  readonly lastExchangeId: string | undefined;
  readonly lastPeriodIndex: number | undefined;
  /** The order of periods: the index, or where there is none the start. */
  readonly position: number;
  /** When a period further on was first asked for. */
  readonly lastAt: number;
  /** Between the last advances, the latest last. */
  readonly intervals: readonly number[];
  /** Length of the period as the encryptor stated it, if it did. */
  readonly periodMs: number | undefined;
  /** `rotation.missed` has been stated since the last advance. */
  readonly missed: boolean;
}

/** A key request for a period. */
export interface PeriodAsked {
  readonly tenant: string;
  readonly contentId: string;
  readonly encryptorId: string | undefined;
  readonly exchangeId: string | undefined;
  readonly keyIds: readonly string[];
  readonly periodIndex: number | undefined;
  readonly position: number;
  readonly periodMs: number | undefined;
  readonly at: number;
}

export interface Tolerance {
  /** Overdue by this many cadences after the last advance: missed. */
  readonly missedAfter: number;
  /** Came after this many cadences, but before it was missed: late. */
  readonly lateAfter: number;
}
export const DEFAULT_TOLERANCE: Tolerance = { missedAfter: 1.5, lateAfter: 1.2 };

export type RotationState = 'learning' | 'on time' | 'due' | 'missed';

export interface RotationOutlook {
  readonly state: RotationState;
  readonly cadenceMs?: number;
  readonly dueAt?: number;
  readonly missedAt?: number;
}

/** An encryptor may ask for several periods in one go: what comes this soon belongs to the request before. */
export const BURST_MS = 2_000;
const INTERVALS_KEPT = 5;

/** What is known after a request; the same object if the request brings nothing new. */
export function advance(known: WatchedContent | undefined, asked: PeriodAsked): WatchedContent {
  if (!known) return begin(asked);
  // Delivered again or out of order, or another packager of the same content.
  if (asked.position === known.position || (asked.position < known.position && asked.at <= known.lastAt)) return known;
  // An encryptor that was restarted may count anew: its old rhythm says nothing any more.
  if (asked.position < known.position) return begin(asked);
  const interval = asked.at - known.lastAt;
  const next = { ...begin(asked), encryptorId: asked.encryptorId ?? known.encryptorId };
  if (interval < BURST_MS) return { ...next, lastAt: known.lastAt, intervals: known.intervals, missed: known.missed };
  return { ...next, intervals: [...known.intervals, interval].slice(-INTERVALS_KEPT) };
}

function begin({ exchangeId, keyIds, periodIndex, at, ...asked }: PeriodAsked): WatchedContent {
  return {
    ...asked,
    lastKeyIds: keyIds,
    lastExchangeId: exchangeId,
    lastPeriodIndex: periodIndex,
    lastAt: at,
    intervals: [],
    missed: false,
  };
}

/**
 * How long a period lasts, learned: the median of the last intervals, from two on, so that neither an outage nor an
 * early request spoils it. One interval is enough where the encryptor states its periods' length. A content that was
 * asked for once, as a VOD job is, has none.
 */
export function cadenceOf({ intervals, periodMs }: WatchedContent): number | undefined {
  if (intervals.length === 0) return undefined;
  if (intervals.length === 1) return periodMs;
  const sorted = [...intervals].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

export function outlook(content: WatchedContent, now: number, tolerance: Tolerance): RotationOutlook {
  const cadenceMs = cadenceOf(content);
  if (cadenceMs === undefined) return { state: 'learning' };
  const dueAt = content.lastAt + cadenceMs;
  const missedAt = content.lastAt + cadenceMs * tolerance.missedAfter;
  const state = now >= missedAt || content.missed ? 'missed' : now >= dueAt ? 'due' : 'on time';
  return { state, cadenceMs, dueAt, missedAt };
}

/** What an advance says of the wait that it ended. */
export function arrival(
  before: WatchedContent | undefined,
  after: WatchedContent,
  tolerance: Tolerance,
): 'late' | 'recovered' | undefined {
  if (!before || before === after || after.lastAt === before.lastAt) return undefined;
  if (before.missed) return 'recovered';
  const cadence = cadenceOf(before);
  return cadence !== undefined && after.lastAt > before.lastAt + cadence * tolerance.lateAfter ? 'late' : undefined;
}
