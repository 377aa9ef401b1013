import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ContentKey, parseKeyId } from '@latchkey/cenc';
import { defaultTenant } from '@latchkey/tenants';
import { overrideKeyId } from '../src/issuing/key-id-override';
import { randomKeys } from '../src/issuing/key-source';
import { expiryOf, matchesPattern } from '../src/issuing/retention';
import { playreadyChecksum } from '../src/wrapping/playready-checksum';
import { newKeyId, soon } from './stores';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-03-01T00:00:00Z');

describe('retention', () => {
  const { retention } = defaultTenant().keys;

  it.each([
    ['no period', undefined, undefined],
    ['offsets', { startOffset: 'PT0S', endOffset: 'PT10M' }, undefined],
    ['an index', { index: 3 }, 2 * DAY_MS],
    ['times in the past', { start: '2026-02-01T00:00:00Z', end: '2026-02-02T00:00:00Z' }, 2 * DAY_MS],
    ['an end to come', { index: 1, end: '2026-03-05T00:00:00Z' }, 6 * DAY_MS],
    ['an end that is no time', { index: 1, end: 'later' }, 2 * DAY_MS],
  ])('keeps a key with %s as its class says', (_, period, kept) => {
    expect(expiryOf(retention, 'movie', period, NOW)).toBe(kept === undefined ? undefined : NOW + kept);
  });

  it('follows the class that is configured for a content ID', () => {
    const classes = [
      { contentId: 'channel-*', class: 'vod' as const },
      { contentId: '*-replay', class: 'catchUp' as const },
    ];
    expect(expiryOf({ ...retention, classes }, 'channel-7', { index: 1 }, NOW)).toBeUndefined();
    expect(expiryOf({ ...retention, classes }, 'news-replay', undefined, NOW)).toBe(NOW + 14 * DAY_MS);
    expect(expiryOf({ ...retention, classes }, 'news', { index: 1 }, NOW)).toBe(NOW + 2 * DAY_MS);
  });

  it.each([
    ['*', 'anything', true],
    ['a*c', 'abc', true],
    ['a*c', 'ac', true],
    ['a*a', 'a', false],
    ['a*b*c', 'a-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['a.c', 'abc', false],
    ['', '', true],
    ['*x*', 'yyy', false],
    ['**', '', true],
  ])('matches %j and %j: %j', (pattern, text, matches) => {
    expect(matchesPattern(pattern, text)).toBe(matches);
  });

  it('takes linear time for any pattern', () => {
    expect(matchesPattern('*a'.repeat(500) + 'b', 'a'.repeat(100_000))).toBe(false);
  });
});

describe('key ID override', () => {
  const content = { tenant: 'default', contentId: 'movie' };
  const requested = { keyId: newKeyId(), needsExplicitIv: false, intendedTrackType: 'HD', period: { index: 1 } };
  const fixed = {
    mode: 'fixed' as const,
    keys: [{ trackType: 'UHD*', keyId: newKeyId(), key: Buffer.alloc(16, 1).toString('base64') }],
  };

  it('keeps the key ID unless it is told otherwise', () => {
    expect(overrideKeyId({ mode: 'keep' }, content, requested)).toEqual({ keyId: requested.keyId });
  });

  it('makes a UUID of version 5 of tenant, content ID, track type and period', () => {
    const of = (change: object, where = content) =>
      overrideKeyId({ mode: 'deterministic' }, where, { ...requested, ...change }).keyId;
    expect(of({})).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(of({ keyId: newKeyId() })).toBe(of({}));
    const others = [
      of({ intendedTrackType: 'SD' }),
      of({ period: { index: 2 } }),
      of({}, { ...content, contentId: 'film' }),
      of({}, { ...content, tenant: 'other' }),
    ];
    expect(new Set([of({}), ...others]).size).toBe(5);
  });

  it('knows only the tracks that are configured', () => {
    const uhd = overrideKeyId(fixed, content, { ...requested, intendedTrackType: 'UHD2' });
    expect(uhd).toEqual({ keyId: fixed.keys[0]?.keyId, fixedKey: Buffer.alloc(16, 1) });
    expect(() => overrideKeyId(fixed, content, requested)).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST' }),
    );
  });
});

describe('PlayReady checksum', () => {
  // Published by PallyCon with its PlayReady header samples, and computed again.
  it.each([
    ['OlRFK6LSytFr2HnN1HqwWw==', '6bac8ec3-0ee3-379f-3d21-290b3a2bc9c3', '6ibP40uTOZ0='],
    ['SzC1qc1cEpyFU6t/lL7Byw==', '12ea753c-23e7-bc02-4474-b2b976c43beb', '/F7B1fH2e0c='],
  ])('of %s is as published', (key, keyId, checksum) => {
    const contentKey = ContentKey.fromBytes(Buffer.from(key, 'base64'));
    expect(playreadyChecksum(contentKey, parseKeyId(keyId))).toBe(checksum);
  });
});

describe('random keys', () => {
  // promise 6
  const make = async (count: number) => {
    const identities = Array.from({ length: count }, () => ({
      tenant: 'default',
      contentId: 'movie',
      keyId: newKeyId(),
    }));
    return { identities, made: await randomKeys.make(identities, soon()) };
  };

  it('do not repeat, share no half, are not their IV, and are made of nothing that is known', async () => {
    const { identities, made } = await make(10_000);
    const keys = made.map(({ contentKey }) => contentKey.expose((bytes) => bytes.toString('hex')));
    const ivs = made.map(({ explicitIv }) => Buffer.from(explicitIv, 'base64').toString('hex'));
    const keyIds = identities.map(({ keyId }) => keyId.replaceAll('-', ''));
    expect(new Set([...keys, ...ivs, ...keyIds]).size).toBe(30_000);
    const halves = [...keys, ...ivs].flatMap((each) => [each.slice(0, 16), each.slice(16)]);
    expect(new Set(halves).size).toBe(40_000);
  });

  it('have every byte value equally often, in each place and over all', async () => {
    const { made } = await make(10_000);
    const bytes = made.map(({ contentKey }) => contentKey.expose((each) => Buffer.from(each)));
    // 255 degrees of freedom: beyond 400 once in ten million runs.
    expect(chiSquare(bytes.flatMap((each) => [...each]))).toBeLessThan(400);
    for (let place = 0; place < 16; place++) {
      expect(chiSquare(bytes.map((each) => each[place] ?? 0))).toBeLessThan(400);
    }
  });

  it('come from the CSPRNG of node:crypto, and nothing weaker is in the source', () => {
    // Statistics prove no CSPRNG.
    const source = readdirSync(join(__dirname, '../src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => [name, readFileSync(join(__dirname, '../src', name), 'utf8')] as const);
    const makers = source.filter(([, text]) => /randomBytes\(CONTENT_KEY_BYTES\)/.test(text)).map(([name]) => name);
    expect(makers).toEqual(['issuing/key-source.ts']);
    const weak = source.filter(([, text]) => /Math\.random|pseudoRandom|getRandomValues|randomInt/.test(text));
    // Only for pauses between attempts.
    expect(weak.map(([name]) => name).sort()).toEqual(['audit/audit-relay.ts', 'store/dynamodb-key-store.ts']);
    for (const [name, text] of source.filter(([file]) => file === 'issuing/key-source.ts')) {
      expect([name, /from 'node:crypto'/.test(text)]).toEqual([name, true]);
    }
  });
});

function chiSquare(values: readonly number[]): number {
  const counts = Array.from({ length: 256 }, () => 0);
  for (const value of values) counts[value]!++;
  const expected = values.length / 256;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

it('would notice bytes that are not random', () => {
  const halfSmall = [...randomBytes(10_000)].map((byte, at) => (at % 2 ? byte : byte & 0x7f));
  expect(chiSquare(halfSmall)).toBeGreaterThan(400);
});
