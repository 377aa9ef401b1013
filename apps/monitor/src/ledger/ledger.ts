import { setTimeout as delay } from 'node:timers/promises';
import { instruments } from '@latchkey/runtime';
import { latestOf } from './chain-search';
import { contentDigest, indexKeysOf, type IndexKey } from './index-keys';
import {
  chainOf,
  linkRecord,
  readEntry,
  type ChainHead,
  type LedgerEntry,
  type LedgerEvent,
  type LedgerRecord,
} from './ledger-record';
import type { Found, IndexedRecord, LedgerStore, Place, WriterCount } from './ledger-store';

export interface LedgerQuery {
  /** Tenants to look in; absent: every chain. */
  readonly tenants?: readonly string[] | undefined;
  /** At most one of the three. */
  readonly keyId?: string | undefined;
  readonly contentId?: string | undefined;
  readonly exchangeId?: string | undefined;
  /** ISO 8601, inclusive. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface LedgerPage {
  /** The most recent first. */
  readonly records: readonly (LedgerRecord & { readonly entry: LedgerEntry })[];
  readonly cursor?: string;
}

/** A cursor that no page gave. */
export class CursorError extends Error {
  override readonly name = 'CursorError';
}

/** A chain on which another process writes faster than this one can link. What was not written will be delivered again. */
export class LedgerBusyError extends Error {
  override readonly name = 'LedgerBusyError';
}

type Outcome = 'recorded' | 'known';
/** An event, and its JSON if it came as text. */
interface Taken {
  readonly event: LedgerEvent;
  readonly text: string | undefined;
}
interface Waiting extends Taken {
  settle(outcome: Outcome): void;
  fail(error: unknown): void;
}

/**
 * What happened, for ever: each event once, however often it is delivered, linked to the one before.
 * Events that come while a commit is under way go into the next one together.
 */
export class Ledger {
  private readonly waiting = new Map<string, Waiting[]>();
  private readonly writing = new Map<string, Promise<void>>();
  private readonly heads = new Map<string, ChainHead>();
  private failing = false;

  constructor(
    readonly store: LedgerStore,
    private readonly now: () => Date = () => new Date(),
    /** How long an event waits for others to be written with. */
    private readonly gatherMs = 50,
  ) {}

  /** Resolves when the event is durable; `known` if it was before. Throws if it could not be written. */
  append(event: LedgerEvent, text?: string): Promise<Outcome> {
    const chain = chainOf(event);
    return new Promise((settle, fail) => {
      this.queue(chain).push({ event, text, settle, fail });
      if (!this.writing.has(chain)) this.writing.set(chain, this.drain(chain));
    });
  }

  private queue(chain: string): Waiting[] {
    const queue = this.waiting.get(chain) ?? [];
    this.waiting.set(chain, queue);
    return queue;
  }

  private async drain(chain: string): Promise<void> {
    const queue = this.queue(chain);
    while (queue.length > 0) {
      // One commit for many costs little more than one for each.
      if (queue.length < this.store.maxCommit) await delay(this.gatherMs);
      const batch = queue.splice(0, this.store.maxCommit);
      try {
        const recorded = await this.write(chain, batch);
        for (const { event, settle } of batch) settle(recorded.delete(event.id) ? 'recorded' : 'known');
        this.failing = false;
      } catch (error) {
        this.failing = true;
        for (const { fail } of batch) fail(error);
      }
    }
    this.writing.delete(chain);
    this.waiting.delete(chain);
  }

  /** The ids that are new. Every attempt looks again: another process may have written meanwhile. */
  private async write(chain: string, batch: readonly Taken[]): Promise<Set<string>> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const known = await this.store.recorded(batch.map(({ event }) => event.id));
      const fresh = new Map(batch.map((taken) => [taken.event.id, taken]));
      for (const id of known) fresh.delete(id);
      if (fresh.size === 0 || (await this.commit(chain, [...fresh.values()]))) return new Set(fresh.keys());
      this.heads.delete(chain);
    }
    throw new LedgerBusyError(`chain ${chain}: ${ATTEMPTS} commits were overtaken`);
  }

  private async commit(chain: string, taken: readonly Taken[]): Promise<boolean> {
    const expected = this.heads.get(chain) ?? (await this.store.head(chain));
    const records = linkAll(chain, expected, taken, this.now());
    const writers = await this.count(
      chain,
      taken.map(({ event }) => event),
    );
    if (!(await timed(this.store.commit({ chain, expected, records, writers })))) return false;
    const last = records.at(-1)?.record ?? expected;
    this.heads.set(chain, { index: last.index, hash: last.hash });
    return true;
  }

  private async count(chain: string, events: LedgerEvent[]): Promise<WriterCount[]> {
    const writers = [...new Set(events.flatMap(({ data }) => (data.writer === undefined ? [] : [data.writer])))];
    const counts = writers.length > 0 ? await this.store.writerCounts(chain, writers) : new Map<string, WriterCount>();
    for (const { data } of events) {
      if (data.writer === undefined || data.sequence === undefined) continue;
      counts.set(data.writer, countOne(counts.get(data.writer), data.writer, chain, data.sequence));
    }
    return [...counts.values()];
  }

  /** Whether it can be read, and took what it was given last. */
  async healthy(): Promise<boolean> {
    return !this.failing && (await this.store.healthy());
  }

  async has(eventId: string): Promise<boolean> {
    return (await this.store.recorded([eventId])).size > 0;
  }

  /**
   * Without a key ID, content or exchange, times are those of the ledger: when a record was written. Throws CursorError.
   */
  async query(query: LedgerQuery): Promise<LedgerPage> {
    const chains = query.tenants ?? [...(await this.store.chains()).keys()];
    const { from, to, limit, cursor } = query;
    const after = cursor === undefined ? undefined : readCursor(cursor);
    const part = { from, to, after, limit: limit + 1 };
    const key = lookUp(query);
    const pages = await Promise.all(
      chains.map((chain) =>
        key ? this.store.find({ chain, key, ...part }) : latestOf(this.store, { chain, ...part }),
      ),
    );
    return pageOf(pages.flat(), limit);
  }

  /** The record of an event, if it is in one of the chains (absent: in any). */
  async byId(eventId: string, chains?: readonly string[]): Promise<LedgerEvent | undefined> {
    const [record] = await this.store.byIds([eventId]);
    return record && (chains?.includes(record.chain) ?? true) ? readEntry(record).event : undefined;
  }

  /** Resolves when what is being written is. The store stays open. */
  async close(): Promise<void> {
    await Promise.allSettled(this.writing.values());
  }
}

const ATTEMPTS = 8;

async function timed(commit: Promise<boolean>): Promise<boolean> {
  const start = performance.now();
  const about = { store: 'ledger', operation: 'commit' } as const;
  try {
    const done = await commit;
    instruments.storeDuration.recordSince(start, { ...about, outcome: done ? 'ok' : 'refused' });
    return done;
  } catch (error) {
    instruments.storeDuration.recordSince(start, { ...about, outcome: 'failed' });
    throw error;
  }
}

function linkAll(chain: string, head: ChainHead, taken: readonly Taken[], now: Date): IndexedRecord[] {
  const recordedAt = now.toISOString();
  let last = head;
  return taken.map(({ event, text }) => {
    const record = linkRecord(chain, last, { recordedAt, event }, text);
    last = record;
    return { record, id: event.id, time: timeOf(event, now), keys: indexKeysOf(event) };
  });
}

function timeOf(event: LedgerEvent, now: Date): string {
  const time = new Date(event.time);
  return (Number.isNaN(time.getTime()) ? now : time).toISOString();
}

function countOne(count: WriterCount | undefined, writer: string, chain: string, sequence: number): WriterCount {
  return {
    writer,
    chain,
    first: Math.min(count?.first ?? sequence, sequence),
    last: Math.max(count?.last ?? sequence, sequence),
    count: (count?.count ?? 0) + 1,
  };
}

function lookUp({ keyId, contentId, exchangeId }: LedgerQuery): IndexKey | undefined {
  if (keyId !== undefined) return { index: 'key', value: keyId };
  if (exchangeId !== undefined) return { index: 'exchange', value: exchangeId };
  return contentId === undefined ? undefined : { index: 'content', value: contentDigest(contentId) };
}

function pageOf(found: Found[], limit: number): LedgerPage {
  const newestFirst = found.sort((a, b) => compare(b.place, a.place));
  const page = newestFirst.slice(0, limit);
  const records = page.map(({ record }) => ({ ...record, entry: readEntry(record) }));
  const last = page.at(-1);
  return newestFirst.length > limit && last ? { records, cursor: writeCursor(last.place) } : { records };
}

function compare(a: Place, b: Place): number {
  return a.time < b.time ? -1 : a.time > b.time ? 1 : a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function writeCursor({ time, id }: Place): string {
  return Buffer.from(JSON.stringify([time, id])).toString('base64url');
}

function readCursor(text: string): Place {
  try {
    const [time, id] = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown[];
    if (typeof time === 'string' && typeof id === 'string') return { time, id };
  } catch {
    // Said below.
  }
  throw new CursorError('the cursor is none that a page gave');
}
