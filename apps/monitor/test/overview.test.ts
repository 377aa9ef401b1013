import { exchangeFailed, exchangeRejected } from '@latchkey/messages';
import { LatencyBuckets } from '../src/overview/latency-buckets';
import { Overview } from '../src/overview/overview';
import { completed, issued } from './sample-events';

const EVERYBODY = { id: 'a', roles: new Set(['viewer'] as const), tenants: 'all' } as const;

describe('overview', () => {
  it('puts events into the minute in which they happened, and lets an hour go by', () => {
    let now = Date.UTC(2026, 0, 1, 12, 0, 30);
    const overview = new Overview(() => now);
    overview.recorded(completed({ time: new Date(now - 59 * 60_000) }));
    overview.recorded(completed({ time: new Date(now) }));
    overview.recorded(completed({ time: new Date(now - 3 * 3_600_000) }));
    expect(overview.of(EVERYBODY).lastHour.completed).toBe(2);
    expect(
      overview
        .of(EVERYBODY)
        .minutes.map(({ completed: count }) => count)
        .filter(Boolean),
    ).toEqual([1, 1]);
    expect(overview.of(EVERYBODY).errorBudget.exchanges).toBe(3);
    now += 10 * 60_000;
    expect(overview.of(EVERYBODY).lastHour.completed).toBe(1);
  });

  it('charges the error budget for failures of our own, not for refusals', () => {
    const overview = new Overview(Date.now, 0.9);
    const event = completed();
    for (let n = 0; n < 18; n++) overview.recorded(completed());
    overview.recorded({ ...event, type: exchangeRejected.type, data: { ...event.data, code: 'NOT_CPIX' } });
    overview.recorded({ ...event, type: exchangeFailed.type, data: { ...event.data, code: 'unavailable' } });
    const { errorBudget, codes } = overview.of(EVERYBODY);
    expect(errorBudget).toMatchObject({ exchanges: 20, failed: 1 });
    expect(errorBudget.left).toBeCloseTo(0.5);
    expect(codes).toHaveLength(2);
  });

  it('counts each tenant for itself', () => {
    const overview = new Overview();
    overview.recorded(issued({ tenant: 'a' }));
    overview.recorded(issued({ tenant: 'b' }));
    expect(overview.of({ ...EVERYBODY, tenants: new Set(['b']) }).lastHour.keysIssued).toBe(1);
    expect(overview.of(EVERYBODY).lastHour.keysIssued).toBe(2);
  });

  it('knows percentiles within ten percent, whatever the durations', () => {
    const buckets = new LatencyBuckets();
    expect(buckets.percentile(0.5)).toBeUndefined();
    for (let ms = 1; ms <= 1_000; ms++) buckets.record(ms);
    expect(Math.abs((buckets.percentile(0.5) ?? 0) / 500 - 1)).toBeLessThan(0.1);
    expect(Math.abs((buckets.percentile(0.99) ?? 0) / 990 - 1)).toBeLessThan(0.1);
    for (const odd of [0, -1, 1e9]) buckets.record(odd);
    expect(buckets.percentile(1)).toBeGreaterThan(80_000);
  });
});
