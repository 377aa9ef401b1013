const WINDOW_MS = 60_000;
const KEPT_COUNTS = 100_000;

/**
 * Requests of one address or token in a window of a minute. In this process only: a limit for each of them is enough to
 * keep one caller from using up what is there for all.
 */
export class RateLimit {
  readonly #counts = new Map<string, { requests: number; endsAt: number }>();

  constructor(private readonly now: () => number) {}

  /** Counts one. Gives the seconds until the next is welcome: 0 if this one is. */
  take(caller: string, perMinute: number): number {
    const now = this.now();
    const count = this.#counts.get(caller);
    if (count === undefined || now >= count.endsAt) {
      if (this.#counts.size >= KEPT_COUNTS) this.#makeRoom(now);
      this.#counts.set(caller, { requests: 1, endsAt: now + WINDOW_MS });
      return 0;
    }
    count.requests++;
    return count.requests <= perMinute ? 0 : Math.ceil((count.endsAt - now) / 1_000);
  }

  /** Of what is over; should that not be enough, everybody begins anew. */
  #makeRoom(now: number): void {
    for (const [caller, { endsAt }] of this.#counts) if (now >= endsAt) this.#counts.delete(caller);
    if (this.#counts.size > KEPT_COUNTS / 2) this.#counts.clear();
  }
}

/** One subscriber has a whole IPv6 /64. An IPv4 address is itself, also where a socket writes it as `::ffff:…`. */
export function addressToCount(address: string): string {
  if (!address.includes(':')) return address;
  if (address.includes('.')) return address.slice(address.lastIndexOf(':') + 1);
  const groups = expand(address);
  return `${groups.slice(0, 4).join(':')}::/64`;
}

function expand(address: string): string[] {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  return tail === undefined
    ? before
    : [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after];
}
