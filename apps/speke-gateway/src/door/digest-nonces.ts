import { createHmac, createSecretKey, hkdfSync, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const TIME_BYTES = 6;
const RANDOM_BYTES = 10;
const MAC_BYTES = 16;
const BODY_BYTES = TIME_BYTES + RANDOM_BYTES;

/** How long a nonce serves, in milliseconds; then its holder is told to take a new one (stale=true). */
export const NONCE_LIFE_MS = 5 * 60_000;
/** Counts may arrive out of order by so many. */
const WINDOW = 64;
const KNOWN_NONCES = 100_000;

/**
 * Digest nonces: the time, random bytes and their MAC, so that none has to be kept until somebody uses it. Gateways that
 * share the credentials key know each other's. Which counts were used is known to each gateway for itself.
 */
export class DigestNonces {
  readonly #key: KeyObject;
  readonly #used = new LRUCache<string, UsedCounts>({ max: KNOWN_NONCES, ttl: NONCE_LIFE_MS });

  constructor(
    credentialsKey: KeyObject | undefined,
    private readonly now: () => number = Date.now,
  ) {
    this.#key = credentialsKey
      ? createSecretKey(
          Buffer.from(hkdfSync('sha256', credentialsKey.export(), Buffer.alloc(0), 'latchkey digest nonce', 32)),
        )
      : createSecretKey(randomBytes(32));
  }

  issue(): string {
    const body = Buffer.alloc(BODY_BYTES);
    body.writeUIntBE(this.now(), 0, TIME_BYTES);
    randomBytes(RANDOM_BYTES).copy(body, TIME_BYTES);
    return Buffer.concat([body, this.#mac(body)]).toString('base64url');
  }

  judge(nonce: string): 'good' | 'stale' | 'forged' {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== BODY_BYTES + MAC_BYTES) return 'forged';
    const body = bytes.subarray(0, BODY_BYTES);
    if (!timingSafeEqual(bytes.subarray(BODY_BYTES), this.#mac(body))) return 'forged';
    const age = this.now() - body.readUIntBE(0, TIME_BYTES);
    return age >= 0 && age < NONCE_LIFE_MS ? 'good' : 'stale';
  }

  /** Whether that count of that nonce comes for the first time. Ask only after the response has proved right. */
  spend(nonce: string, count: number): boolean {
    const used = this.#used.get(nonce) ?? new UsedCounts();
    if (!used.add(count)) return false;
    if (!this.#used.has(nonce)) this.#used.set(nonce, used);
    return true;
  }

  #mac(body: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(body).digest().subarray(0, MAC_BYTES);
  }
}

/** A sliding window, as IPsec's against replays (RFC 4303, 3.4.3). */
class UsedCounts {
  #highest = 0;
  readonly #recent = new Set<number>();

  add(count: number): boolean {
    if (count < 1 || count <= this.#highest - WINDOW || this.#recent.has(count)) return false;
    this.#recent.add(count);
    if (count > this.#highest) {
      this.#highest = count;
      for (const old of this.#recent) if (old <= count - WINDOW) this.#recent.delete(old);
    }
    return true;
  }
}
