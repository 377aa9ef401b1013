import { addressToCount, RateLimit } from '../src/rate-limit';

describe('a rate limit', () => {
  it('lets so many through in a minute, and says when the next may come', () => {
    let now = 0;
    const limit = new RateLimit(() => now);
    expect([1, 2, 3].map(() => limit.take('caller', 3))).toEqual([0, 0, 0]);
    now = 20_000;
    expect(limit.take('caller', 3)).toBe(40);
    expect(limit.take('other', 3)).toBe(0);
    now = 60_000;
    expect(limit.take('caller', 3)).toBe(0);
  });

  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
  ])('counts %s as %s', (address, counted) => {
    expect(addressToCount(address)).toBe(counted);
  });
});
