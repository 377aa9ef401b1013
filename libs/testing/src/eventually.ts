/** Longer than anything takes, however busy the machine: only what never comes fails. Jest's own limit is beyond it. */
const WITHIN_MS = 100_000;

/** Waits until `probe` gives something true, and gives that. Throws Error when it never does. */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  what: string | (() => string) = 'what was waited for',
): Promise<Exclude<Awaited<T>, false | null | undefined>> {
  for (const end = performance.now() + WITHIN_MS; performance.now() < end;) {
    const found = await probe();
    if (found) return found as Exclude<Awaited<T>, false | null | undefined>;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${typeof what === 'string' ? what : what()} did not come within ${WITHIN_MS / 1_000} s`);
}
