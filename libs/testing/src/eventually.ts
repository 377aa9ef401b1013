/** Longer than anything takes, however busy the machine: only what never comes fails. Jest's own limit is beyond it. */
const WITHIN_MS = 100_000;

/** Waits until `probe` gives something true, and gives that. Throws Error when it never does. */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  what: string | (() => string) = 'what was waited for',
): Promise<Exclude<Awaited<T>, false | null | undefined>> {
  const end = performance.now() + WITHIN_MS;
  for (let pause = 10; performance.now() < end; pause = Math.min(250, pause * 1.2)) {
    const found = await probe();
    if (found) return found as Exclude<Awaited<T>, false | null | undefined>;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  throw new Error(`${typeof what === 'string' ? what : what()} did not come within ${WITHIN_MS / 1_000} s`);
}
