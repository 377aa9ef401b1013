import fc from 'fast-check';
import { KeyPaths, parseContentPath, tenantOfPath } from '../src/delivery-path';
import { keyPath } from './delivery';
import { someKeyId } from './key-answerer';

const paths = new KeyPaths();
const contentIds = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 200 })
  .filter((text) => Buffer.from(text).toString() === text && Buffer.byteLength(text) <= 1_024);

// promise 33
describe('a path', () => {
  it('gives back every content ID that can stand in one', () => {
    fc.assert(
      fc.property(contentIds, (contentId) => {
        const keyId = someKeyId();
        const path = keyPath('default', contentId, keyId);
        expect(paths.parse(`${path}?token=a/b`)).toMatchObject({ tenant: 'default', contentId, keyId });
        expect(parseContentPath(`/clearkey/default/${encodeURIComponent(contentId)}`).contentId).toBe(contentId);
        expect(tenantOfPath(path)).toBe('default');
      }),
    );
  });

  it('throws nothing but refusals, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, two) => {
        for (const path of [`/keys/${one}/${two}`, `/keys/${one}`, one]) {
          expect(() => paths.parse(path)).toThrow(expect.objectContaining({ name: 'HttpProblem' }));
        }
      }),
    );
  });
});
