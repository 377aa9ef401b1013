import type { ContentKey } from '@latchkey/cenc';
import { LRUCache } from 'lru-cache';
import type { ContentName, KeyName } from './key-name';

/** A key in memory, as long as it may be used. */
export class HeldKey {
  #contentKey: ContentKey | undefined;

  constructor(
    readonly name: KeyName,
    contentKey: ContentKey,
    /** Epoch milliseconds: past it the key is gone, whoever still has it. */
    readonly expiresAt: number | undefined,
    /** Issued for DRM systems alone: for players only as long as their tenant says so. */
    readonly drmOnly: boolean,
  ) {
    this.#contentKey = contentKey;
  }

  /** The 16 bytes, the caller's own to zero; undefined if the key is gone (never the zeros that are left of it). */
  copy(): Buffer | undefined {
    return this.#contentKey?.expose((bytes) => Buffer.from(bytes));
  }

  zero(): void {
    this.#contentKey?.dispose();
    this.#contentKey = undefined;
  }
}

export interface HeldKeysOptions {
  readonly max: number;
  /** After so long a key is asked for again, whatever the events said: the bound of a revocation that was not heard. */
  readonly holdMs: number;
  readonly now: () => number;
}

const SWEEP_MS = 10_000;

/** Content keys in memory: so many at most, so long at most, zeroed when they go. */
export class HeldKeys {
  readonly #keys: LRUCache<string, HeldKey>;
  readonly #sweep: NodeJS.Timeout;

  constructor(private readonly options: HeldKeysOptions) {
    this.#keys = new LRUCache({
      max: options.max,
      perf: { now: options.now },
      ttlResolution: 0,
      dispose: (key) => key.zero(),
    });
    this.#sweep = setInterval(() => this.#keys.purgeStale(), SWEEP_MS).unref();
  }

  get size(): number {
    return this.#keys.size;
  }

  get(name: KeyName): HeldKey | undefined {
    return this.#keys.get(name.text);
  }

  has(name: KeyName): boolean {
    return this.#keys.has(name.text);
  }

  /** Zeroes it when it goes. */
  hold(key: HeldKey): void {
    const left = key.expiresAt === undefined ? Infinity : key.expiresAt - this.options.now();
    if (left <= 0) return key.zero();
    this.#keys.set(key.name.text, key, { ttl: Math.max(1, Math.min(this.options.holdMs, left)) });
  }

  forget(name: KeyName): void {
    this.#keys.delete(name.text);
  }

  forgetContent({ tenant, contentId }: ContentName): void {
    for (const [key, { name }] of this.#keys.entries()) {
      if (name.tenant === tenant && name.contentId === contentId) this.#keys.delete(key);
    }
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#keys.clear();
  }
}
