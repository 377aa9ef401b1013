import {
  deliveryCounted,
  deliveryDenied,
  exchangeCompleted,
  exchangeFailed,
  exchangeRejected,
  keyIssued,
  keyReissued,
  keyReleased,
  keyTampered,
} from '@latchkey/messages';
import type { LedgerEvent } from '../ledger/ledger-record';
import { LatencyBuckets } from './latency-buckets';

export const COUNTS = [
  'completed',
  'rejected',
  'failed',
  'keysIssued',
  'keysReissued',
  'delivered',
  'denied',
  'tampered',
] as const;
export type Counts = Record<(typeof COUNTS)[number], number>;

/** What happened in a stretch of time. */
export class Tally {
  readonly counts: Counts = noCounts();
  readonly latency = new LatencyBuckets();
  /** Of rejected and failed exchanges, by their stable code. */
  readonly codes = new Map<string, number>();

  count(event: LedgerEvent): void {
    const row = ROWS[event.type];
    if (!row) return;
    this.counts[row.count] += row.weight?.(event) ?? 1;
    if (typeof event.data['durationMs'] === 'number') this.latency.record(event.data['durationMs']);
    if (row.codes) this.countCode(event.data['code']);
  }

  add(other: Tally): void {
    for (const name of COUNTS) this.counts[name] += other.counts[name];
    this.latency.add(other.latency);
    for (const [code, count] of other.codes) this.codes.set(code, (this.codes.get(code) ?? 0) + count);
  }

  private countCode(code: unknown): void {
    const name = typeof code === 'string' ? code : 'unknown';
    if (this.codes.has(name) || this.codes.size < MOST_CODES) this.codes.set(name, (this.codes.get(name) ?? 0) + 1);
  }
}

const MOST_CODES = 64;

interface Row {
  readonly count: keyof Counts;
  readonly weight?: (event: LedgerEvent) => number;
  readonly codes?: true;
}

const lengthOf = (name: string) => (event: LedgerEvent) => {
  const list = event.data[name];
  return Array.isArray(list) ? list.length : 0;
};
const numberIn = (name: string) => (event: LedgerEvent) => {
  const value = event.data[name];
  return typeof value === 'number' ? value : 0;
};

/** What an event counts as. */
const ROWS: Readonly<Record<string, Row>> = {
  [exchangeCompleted.type]: { count: 'completed' },
  [exchangeRejected.type]: { count: 'rejected', codes: true },
  [exchangeFailed.type]: { count: 'failed', codes: true },
  [keyIssued.type]: { count: 'keysIssued', weight: lengthOf('keys') },
  [keyReissued.type]: { count: 'keysReissued', weight: lengthOf('keys') },
  [keyReleased.type]: { count: 'delivered', weight: (event) => (event.data['reason'] === 'player' ? 1 : 0) },
  [deliveryCounted.type]: { count: 'delivered', weight: numberIn('delivered') },
  [deliveryDenied.type]: { count: 'denied', weight: numberIn('count') },
  [keyTampered.type]: { count: 'tampered' },
};

export function noCounts(): Counts {
  return Object.fromEntries(COUNTS.map((name) => [name, 0])) as Counts;
}
