import { policyFor } from '../src/output-policy';

test.each([
  ['UHD', 'UHD', true],
  ['UHD', 'UHD1', false],
  ['UHD*', 'UHD1', true],
  ['UHD*', 'UHD', true],
  ['UHD*', 'SD+UHD', false],
  ['*UHD*', 'SD+UHD+HDR', true],
  ['S*H*1', 'SD+HD1', true],
  ['S*H*1', 'SD+HD2', false],
  // Each piece fits its own text: none is used twice.
  ['A*A', 'A', false],
  ['A*B*B', 'AB', false],
  ['*', '', true],
  ['*', undefined, true],
  ['*x', undefined, false],
  ['.*', 'abc', false],
])('the pattern %s fits %s: %s', (trackType, text, fits) => {
  const policy = { trackType, hdcp: { hlsLevel: 'NONE' } };
  expect(policyFor(text, [policy])).toEqual(fits ? policy : {});
});
