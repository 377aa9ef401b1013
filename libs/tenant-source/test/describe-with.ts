/**
 * `describe` for a suite that needs a real part: without the part it is skipped and says so; in CI (`CI=1`) that is a failure.
 * `missing` says what is missing; undefined: nothing.
 */
export function describeWith(missing: string | undefined): jest.Describe {
  if (missing === undefined) return describe;
  if (process.env['CI']) throw new Error(`${missing}: in CI nothing is skipped`);
  console.warn(`skipped: ${missing}`);
  return describe.skip as jest.Describe;
}
