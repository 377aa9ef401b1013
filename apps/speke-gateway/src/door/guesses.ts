import { LRUCache } from 'lru-cache';

/** Failures in a row that cost nothing but the refusal. */
const FREE = { perName: 5, perAddress: 50 };
const LONGEST_MS = 60_000;
const FORGOTTEN_AFTER_MS = 15 * 60_000;
const REMEMBERED = 50_000;

interface Failures {
  count: number;
  until: number;
}

/**
 * Slows guessing down: after a few failures each next try has to wait twice as long as the last, for that name from
 * that address, and later for the address whatever the name. Others are not locked out by somebody's guesses at them.
 */
export class Guesses {
  readonly #failures = new LRUCache<string, Failures>({ max: REMEMBERED, ttl: FORGOTTEN_AFTER_MS });

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Milliseconds until the next try is looked at; 0 for at once. */
  waitMs(address: string, name: string): number {
    const now = this.now();
    const waits = [nameKey(address, name), address].map((key) => (this.#failures.get(key)?.until ?? 0) - now);
    return Math.max(0, ...waits);
  }

  failed(address: string, name: string): void {
    this.#count(nameKey(address, name), FREE.perName);
    this.#count(address, FREE.perAddress);
  }

  succeeded(address: string, name: string): void {
    this.#failures.delete(nameKey(address, name));
  }

  #count(key: string, free: number): void {
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const wait = count < free ? 0 : Math.min(LONGEST_MS, 1_000 * 2 ** (count - free));
    this.#failures.set(key, { count, until: this.now() + wait });
  }
}

function nameKey(address: string, name: string): string {
  return `${address} ${name}`;
}
