import fc from 'fast-check';
import { BASE64, isBase64 } from '../src/base64';

describe('base64', () => {
  it('is what the regular expression says, however long', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(isBase64(Buffer.from(bytes).toString('base64'))).toBe(true);
      }),
    );
  });

  it('is nothing else, wherever the foreign character stands', () => {
    const foreign = [...'-_=.,:;<>&"\' \n\t\0~é€😀'];
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 48, maxLength: 200 }),
        fc.constantFrom(...foreign),
        fc.nat(),
        fc.boolean(),
        (bytes, character, place, replace) => {
          const text = Buffer.from(bytes).toString('base64');
          const at = place % text.length;
          const changed = text.slice(0, at) + character + text.slice(at + (replace ? 1 : 0));
          expect(isBase64(changed)).toBe(BASE64.test(changed));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
