/** Durations in buckets of 10 % each, from a tenth of a millisecond to a minute and a half: small enough for one per minute and tenant. */
export class LatencyBuckets {
  private readonly counts = new Uint32Array(BUCKETS);

  record(ms: number): void {
    this.counts[bucketOf(ms)]! += 1;
  }

  add(other: LatencyBuckets): void {
    for (let at = 0; at < BUCKETS; at++) this.counts[at]! += other.counts[at]!;
  }

  /** Milliseconds, within 10 %; undefined if nothing was recorded. */
  percentile(share: number): number | undefined {
    const total = this.counts.reduce((sum, count) => sum + count, 0);
    if (total === 0) return undefined;
    let left = Math.ceil(total * share);
    const at = this.counts.findIndex((count) => (left -= count) <= 0);
    return Number((SMALLEST_MS * GROWTH ** (at + 0.5)).toPrecision(2));
  }
}

const BUCKETS = 144;
const GROWTH = 1.1;
const SMALLEST_MS = 0.1;

function bucketOf(ms: number): number {
  const at = Math.floor(Math.log(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) / Math.log(GROWTH));
  return Math.min(at, BUCKETS - 1);
}
