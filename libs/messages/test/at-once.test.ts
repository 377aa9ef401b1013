import fc from 'fast-check';
import { z } from 'zod';
import { atOnce, shortText } from '../src/at-once';
import { contentId, exchangeId, tenantId } from '../src/fields';

const text = fc.string({ unit: 'binary', maxLength: 20 });

describe('a schema that lets what is valid through at once', () => {
  it('allows what the plain one allows, and says the same of all else', () => {
    const plain = z.string().min(3).max(8);
    const quick = shortText(8, 3);
    fc.assert(
      fc.property(fc.oneof(text, fc.anything()), (value) => {
        const [said, wanted] = [quick.safeParse(value), plain.safeParse(value)];
        expect(said.success).toBe(wanted.success);
        expect(said.error?.issues).toEqual(wanted.error?.issues);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is one within other schemas too', () => {
    let looks = 0;
    const quick = atOnce(z.string().max(3), (value) => ++looks > 0 && value === 'abc');
    const holder = z.object({ one: quick, maybe: quick.optional(), many: z.array(quick) });
    expect(holder.parse({ one: 'abc', many: ['abc', 'abc'] })).toEqual({ one: 'abc', many: ['abc', 'abc'] });
    expect(looks).toBe(3);
    expect(holder.safeParse({ one: 'abcd', many: [] }).error?.issues[0]?.path).toEqual(['one']);
  });
});

describe('the fields of messages', () => {
  it.each([
    ['a content ID', contentId, ['a', 'a'.repeat(1_024), 'é'.repeat(512)], ['', 'a'.repeat(1_025), 'é'.repeat(513), 7]],
    ['a tenant', tenantId, ['a', 'a'.repeat(64), '0-_'], ['', 'a'.repeat(65), '_a', 'A', 'a\n', null]],
    ['an exchange', exchangeId, ['a'.repeat(8), 'a'.repeat(64)], ['a'.repeat(7), 'a'.repeat(65), {}]],
  ])('%s is refused beyond its limits', (_, schema: z.ZodType, good, bad) => {
    for (const value of good) expect(schema.parse(value)).toBe(value);
    for (const value of bad) expect(schema.safeParse(value).success).toBe(false);
  });
});
