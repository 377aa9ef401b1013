import { Tally } from './tally';

/** Tallies by tenant and stretch of time, of which the last `kept` are remembered. */
export class TimeBuckets {
  private readonly stretches = new Map<number, Map<string, Tally>>();
  private latest = 0;

  constructor(
    readonly widthMs: number,
    private readonly kept: number,
  ) {}

  numberOf(time: number): number {
    return Math.floor(time / this.widthMs);
  }

  at(tenant: string, time: number): Tally {
    const number = this.numberOf(time);
    if (number > this.latest) this.letGo(number);
    const stretch = this.stretches.get(number) ?? new Map<string, Tally>();
    this.stretches.set(number, stretch);
    const tally = stretch.get(tenant) ?? new Tally();
    stretch.set(tenant, tally);
    return tally;
  }

  sum(tenants: 'all' | ReadonlySet<string>, number: number): Tally {
    const total = new Tally();
    for (const [tenant, tally] of this.stretches.get(number) ?? []) {
      if (tenants === 'all' || tenants.has(tenant)) total.add(tally);
    }
    return total;
  }

  private letGo(latest: number): void {
    this.latest = latest;
    for (const number of this.stretches.keys()) if (number <= latest - this.kept) this.stretches.delete(number);
  }
}
