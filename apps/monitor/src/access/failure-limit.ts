import { LRUCache } from 'lru-cache';

/** Slows down who guesses: so many failures a minute from one address, then none of its attempts is looked at. */
export class FailureLimit {
  private readonly failures = new LRUCache<string, { count: number; until: number }>({ max: 10_000 });

  constructor(
    private readonly most = 10,
    private readonly windowMs = 60_000,
    private readonly now: () => number = Date.now,
  ) {}

  /** Seconds to wait; 0: go on. */
  waitOf(address: string): number {
    const seen = this.failures.get(address);
    if (!seen || seen.until <= this.now() || seen.count < this.most) return 0;
    return Math.ceil((seen.until - this.now()) / 1_000);
  }

  failed(address: string): void {
    const seen = this.failures.get(address);
    if (seen && seen.until > this.now()) seen.count += 1;
    else this.failures.set(address, { count: 1, until: this.now() + this.windowMs });
  }
}
