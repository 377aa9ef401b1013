import type { Principal } from '../access/principal';
import type { Witness } from '../event-intake';
import type { Ledger } from '../ledger/ledger';
import { SYSTEM_CHAIN, type LedgerEvent } from '../ledger/ledger-record';
import { Tally, type Counts } from './tally';
import { TimeBuckets } from './time-buckets';

export type Figures = Counts & { readonly p50?: number; readonly p99?: number };

export interface OverviewNumbers {
  readonly now: string;
  /** The last hour, the oldest minute first. */
  readonly minutes: readonly (Figures & { readonly minute: string })[];
  readonly lastHour: Figures;
  /** Codes of what was rejected or failed in the last hour, the most frequent first. */
  readonly codes: readonly { readonly code: string; readonly count: number }[];
  readonly errorBudget: ErrorBudget;
}

/** Exchanges that failed by our own fault, against those that may, over the last 24 hours. */
export interface ErrorBudget {
  readonly target: number;
  readonly exchanges: number;
  readonly failed: number;
  /** 1: untouched; 0: used up; below: overdrawn. */
  readonly left: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Clocks of two machines may differ by as much. */
const AHEAD_MS = 5 * MINUTE_MS;
const MOST_CATCH_UP = 20_000;

/** What the last hour was like, by the minute, and the last day by the hour. For each tenant, so that none sees another's. */
export class Overview implements Witness {
  private readonly minutes = new TimeBuckets(MINUTE_MS, 60 + AHEAD_MS / MINUTE_MS);
  private readonly hours = new TimeBuckets(HOUR_MS, 25);
  /** Counts up with every change, for those who show the numbers. */
  revision = 0;

  constructor(
    private readonly now: () => number = Date.now,
    private readonly target = 0.999,
  ) {}

  recorded(event: LedgerEvent): void {
    const at = Date.parse(event.time);
    const age = this.now() - at;
    if (Number.isNaN(age) || age > 24 * HOUR_MS || age < -AHEAD_MS) return;
    const tenant = event.data.tenant ?? SYSTEM_CHAIN;
    if (age < HOUR_MS) this.minutes.at(tenant, at).count(event);
    this.hours.at(tenant, at).count(event);
    this.revision++;
  }

  /** Counts anew what was recorded before this process began: the last day, as far as it is not too much. */
  async catchUp(ledger: Ledger): Promise<void> {
    const from = new Date(this.now() - 24 * HOUR_MS).toISOString();
    let cursor: string | undefined;
    for (let seen = 0; seen < MOST_CATCH_UP;) {
      const page = await ledger.query({ from, limit: 1_000, cursor });
      for (const { entry } of page.records) this.recorded(entry.event);
      seen += page.records.length;
      cursor = page.cursor;
      if (!cursor) return;
    }
  }

  of({ tenants }: Principal): OverviewNumbers {
    const now = this.now();
    const perMinute = lastOf(this.minutes, 60, now).map((number) => ({
      minute: new Date(number * MINUTE_MS).toISOString(),
      tally: this.minutes.sum(tenants, number),
    }));
    const lastHour = sum(perMinute.map(({ tally }) => tally));
    const lastDay = sum(lastOf(this.hours, 24, now).map((number) => this.hours.sum(tenants, number)));
    return {
      now: new Date(now).toISOString(),
      minutes: perMinute.map(({ minute, tally }) => ({ minute, ...figures(tally) })),
      lastHour: figures(lastHour),
      codes: mostFrequent(lastHour.codes),
      errorBudget: this.budget(lastDay.counts),
    };
  }

  private budget({ completed, rejected, failed }: Counts): ErrorBudget {
    const exchanges = completed + rejected + failed;
    const allowed = exchanges * (1 - this.target);
    return { target: this.target, exchanges, failed, left: exchanges === 0 ? 1 : 1 - failed / allowed };
  }
}

function lastOf(buckets: TimeBuckets, count: number, now: number): number[] {
  const latest = buckets.numberOf(now);
  return Array.from({ length: count }, (_, n) => latest - count + 1 + n);
}

function sum(tallies: readonly Tally[]): Tally {
  const total = new Tally();
  for (const tally of tallies) total.add(tally);
  return total;
}

function mostFrequent(codes: ReadonlyMap<string, number>) {
  const rows = [...codes].map(([code, count]) => ({ code, count }));
  return rows.sort((a, b) => b.count - a.count).slice(0, 10);
}

function figures(tally: Tally): Figures {
  const [p50, p99] = [tally.latency.percentile(0.5), tally.latency.percentile(0.99)];
  return { ...tally.counts, ...(p50 !== undefined && { p50 }), ...(p99 !== undefined && { p99 }) };
}
