import fc from 'fast-check';
import { fitsPattern } from '../src/wildcard';

/** The obvious way, which takes exponential time for the wrong patterns. */
function fitsByRegExp(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*')}$`).test(text);
}

describe('a pattern', () => {
  it('fits what a regular expression would', () => {
    const letters = (maxLength: number) => fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength });
    fc.assert(
      fc.property(letters(8), letters(12), (pattern, text) => {
        expect(fitsPattern(pattern, text)).toBe(fitsByRegExp(pattern, text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes no longer for a bad one', () => {
    expect(fitsPattern('*a'.repeat(400) + 'b', 'a'.repeat(1_024))).toBe(false);
  });
});
