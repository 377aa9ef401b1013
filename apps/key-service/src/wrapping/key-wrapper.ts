import type { Deadline } from '@latchkey/bus';
import { instruments } from '@latchkey/runtime';
import { LRUCache } from 'lru-cache';
import type { Wrapped } from '../store/stored-key';
import { DataKey } from './data-key';
import { contextText, type EncryptionContext, type MasterKey } from './master-key';
import { OpenedBoxes } from './opened-boxes';

/** How long and for how much one data key is used. What is past a limit is made or decrypted anew. */
export interface DataKeyLimits {
  /** In milliseconds, for sealing and for opening: how long a key is served after its master key was disabled. */
  readonly maxAgeMs: number;
  /** Boxes that one data key seals. Far below where random nonces of 96 bits may repeat (NIST SP 800-38D, 8.3: 2^32). */
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** Data keys held for opening. */
  readonly maxCached: number;
  /** Of what they opened, how much is held as long as they are; 0: nothing. */
  readonly maxOpened: number;
}

export const DEFAULT_DATA_KEY_LIMITS: DataKeyLimits = {
  maxAgeMs: 5 * 60_000,
  maxMessages: 100_000,
  maxBytes: 16 * 1024 * 1024,
  maxCached: 1_000,
  maxOpened: 4_096,
};

interface SealingKey {
  readonly dataKey: DataKey;
  readonly until: number;
  messages: number;
  bytes: number;
}

interface ToSeal {
  readonly bytes: Uint8Array;
  readonly additionalData: string;
}

/** What the wrapper has asked of the master key. */
export interface MasterKeyCalls {
  generated: number;
  decrypted: number;
}

/**
 * Envelope encryption: what is sealed lies under a data key, and the data key, encrypted by the master key, lies beside it.
 * Data keys are reused within limits, so that the master key is off the path of almost every request.
 */
export class KeyWrapper {
  readonly calls: MasterKeyCalls = { generated: 0, decrypted: 0 };
  readonly #sealing = new Map<string, SealingKey>();
  readonly #generating = new Map<string, Promise<void>>();
  readonly #opening: LRUCache<string, DataKey>;
  readonly #opened: OpenedBoxes;
  readonly #decrypting = new Map<string, Promise<DataKey>>();

  constructor(
    private readonly masterKey: MasterKey,
    private readonly limits: DataKeyLimits = DEFAULT_DATA_KEY_LIMITS,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#opened = new OpenedBoxes(limits.maxOpened);
    this.#opening = new LRUCache<string, DataKey>({
      max: limits.maxCached,
      ttl: limits.maxAgeMs,
      ttlResolution: 0,
      perf: { now },
      dispose: (dataKey) => {
        this.#opened.forget(dataKey);
        dataKey.dispose();
      },
    });
  }

  /** Seals each of `clears` under one data key. Throws Fault UNAVAILABLE when there is none and none can be made. */
  async wrap(context: EncryptionContext, clears: readonly ToSeal[], deadline: Deadline): Promise<Wrapped[]> {
    const bytes = clears.reduce((sum, clear) => sum + clear.bytes.length, 0);
    const name = contextText(context);
    for (;;) {
      const key = this.#sealing.get(name);
      if (!key) await this.#generateOnce(name, context, deadline);
      else if (this.#within(key, clears.length, bytes) || key.messages === 0) return sealAll(key, clears, bytes);
      else this.#retire(name, key);
    }
  }

  /** The caller zeroes what it gets. Throws Fault TAMPERED, UNAVAILABLE. */
  async unwrap(
    context: EncryptionContext,
    wrapped: Wrapped,
    additionalData: string,
    deadline: Deadline,
  ): Promise<Buffer> {
    const now = this.unwrapNow(context, wrapped, additionalData);
    if (now) return now;
    instruments.dataKeyCache.add(1, { result: 'miss' });
    const name = cacheName(context, wrapped.encryptedDataKey);
    const dataKey = await this.#decrypt(name, context, wrapped.encryptedDataKey, deadline);
    return this.#opened.open(dataKey, wrapped.box, additionalData);
  }

  /** The same where the data key is held, without a promise, which costs as much again; else undefined. */
  unwrapNow(
    context: EncryptionContext,
    { encryptedDataKey, box }: Wrapped,
    additionalData: string,
  ): Buffer | undefined {
    const dataKey = this.#opening.get(cacheName(context, encryptedDataKey));
    if (!dataKey) return undefined;
    instruments.dataKeyCache.add(1, { result: 'hit' });
    return this.#opened.open(dataKey, box, additionalData);
  }

  /** A data key of one's own, outside the cache. */
  async ownDataKey(context: EncryptionContext, deadline: Deadline): Promise<{ plaintext: Buffer; encrypted: Buffer }> {
    this.calls.generated++;
    return this.masterKey.generateDataKey(context, deadline.remainingMs);
  }

  /** Drops what is past its age, so that it does not stay for want of being asked for. */
  purge(): void {
    this.#opening.purgeStale();
    for (const [name, key] of this.#sealing) if (this.now() >= key.until) this.#retire(name, key);
  }

  close(): void {
    for (const [name, key] of this.#sealing) this.#retire(name, key);
    this.#opening.clear();
  }

  #within(key: SealingKey, messages: number, bytes: number): boolean {
    return (
      this.now() < key.until &&
      key.messages + messages <= this.limits.maxMessages &&
      key.bytes + bytes <= this.limits.maxBytes
    );
  }

  /** Many who find none wait for one call. */
  #generateOnce(name: string, context: EncryptionContext, deadline: Deadline): Promise<void> {
    const running = this.#generating.get(name);
    if (running) return running;
    const made = this.#generate(name, context, deadline).finally(() => this.#generating.delete(name));
    this.#generating.set(name, made);
    return made;
  }

  async #generate(name: string, context: EncryptionContext, deadline: Deadline): Promise<void> {
    this.calls.generated++;
    const from = this.now();
    const { plaintext, encrypted } = await this.masterKey.generateDataKey(context, deadline.remainingMs);
    // Two objects of one key: the one that seals and the one that opens are evicted each in its own time.
    this.#opening.set(cacheName(context, encrypted), new DataKey(Buffer.from(plaintext), encrypted));
    this.#sealing.set(name, {
      dataKey: new DataKey(plaintext, encrypted),
      until: from + this.limits.maxAgeMs,
      messages: 0,
      bytes: 0,
    });
  }

  #decrypt(name: string, context: EncryptionContext, encrypted: Buffer, deadline: Deadline): Promise<DataKey> {
    const running = this.#decrypting.get(name);
    if (running) return running;
    this.calls.decrypted++;
    const decrypted = this.masterKey
      .decrypt(encrypted, context, deadline.remainingMs)
      .then((plaintext) => {
        const dataKey = new DataKey(plaintext, encrypted);
        this.#opening.set(name, dataKey);
        return dataKey;
      })
      .finally(() => this.#decrypting.delete(name));
    this.#decrypting.set(name, decrypted);
    return decrypted;
  }

  #retire(name: string, key: SealingKey): void {
    if (this.#sealing.get(name) === key) this.#sealing.delete(name);
    key.dataKey.dispose();
  }
}

/** In the step in which the key was chosen: a moment later another request may have found it used up. */
function sealAll(key: SealingKey, clears: readonly ToSeal[], bytes: number): Wrapped[] {
  key.messages += clears.length;
  key.bytes += bytes;
  return clears.map(({ bytes: clear, additionalData }) => ({
    encryptedDataKey: key.dataKey.encrypted,
    box: key.dataKey.seal(clear, Buffer.from(additionalData)),
  }));
}

function cacheName(context: EncryptionContext, encrypted: Buffer): string {
  return `${context.purpose}/${context.tenant}/${encrypted.toString('latin1')}`;
}
