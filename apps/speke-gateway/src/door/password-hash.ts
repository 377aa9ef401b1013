import { createHmac, randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** 2^15, 8, 1: 32 MB and some 60 ms. */
const COST = { logN: 15, r: 8, p: 1 };
const MAX_MEMORY = 256 * 1024 * 1024;

/** `scrypt$<log2 N>$<r>$<p>$<salt>$<hash>`, salt and hash base64url. */
export async function hashPassword(password: string, cost = COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, cost);
  return ['scrypt', cost.logN, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

const AT_ONCE = 2;
const KNOWN = 4_096;
const KNOWN_FOR_MS = 10 * 60_000;

/**
 * Compares passwords with their hashes. That is slow on purpose, so a password that was right is known for a while by
 * its HMAC under a key of this process, and guesses wait for each other rather than fill the thread pool.
 */
export class PasswordVerifier {
  readonly #key = randomBytes(32);
  readonly #right = new LRUCache<string, true>({ max: KNOWN, ttl: KNOWN_FOR_MS });
  #atWork = 0;
  readonly #waiting: (() => void)[] = [];

  /** At once if it was right a while ago. */
  known(hash: string, password: string): boolean {
    return this.#right.has(this.#fingerprint(hash, password));
  }

  async verify(hash: string, password: string): Promise<boolean> {
    if (this.known(hash, password)) return true;
    if (!(await this.#compare(hash, password))) return false;
    this.#right.set(this.#fingerprint(hash, password), true);
    return true;
  }

  async #compare(hash: string, password: string): Promise<boolean> {
    if (this.#atWork >= AT_ONCE) await new Promise<void>((next) => this.#waiting.push(next));
    this.#atWork++;
    try {
      return await matches(hash, password);
    } finally {
      this.#atWork--;
      this.#waiting.shift()?.();
    }
  }

  #fingerprint(hash: string, password: string): string {
    return createHmac('sha256', this.#key).update(hash).update('\0').update(password).digest('base64');
  }
}

async function matches(text: string, password: string): Promise<boolean> {
  const [, logN, r, p, salt = '', hash = ''] = text.split('$');
  const expected = Buffer.from(hash, 'base64url');
  const cost = { logN: Number(logN), r: Number(r), p: Number(p) };
  const actual = await derive(password, Buffer.from(salt, 'base64url'), cost, expected.length);
  return timingSafeEqual(actual, expected);
}

function derive(password: string, salt: Buffer, cost: typeof COST, length = HASH_BYTES): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** cost.logN, r: cost.r, p: cost.p, maxmem: MAX_MEMORY };
  return new Promise((resolve, reject) =>
    scrypt(password.normalize('NFC'), salt, length, options, (error, key) => (error ? reject(error) : resolve(key))),
  );
}
