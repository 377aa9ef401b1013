import { mkdirSync } from 'node:fs';
import { open, type Database, type Key, type RootDatabase } from 'lmdb';
import { NO_RECORD, type ChainHead, type LedgerRecord } from './ledger-record';
import type { Commit, Found, IndexedRecord, IndexPage, LedgerStore, WriterCount } from './ledger-store';

/** The ledger of one machine. What `commit` has said true to is on the disk. Another process may read it meanwhile. */
export class LmdbLedgerStore implements LedgerStore {
  readonly maxCommit = 512;
  private readonly root: RootDatabase;
  private readonly records: Database<Omit<LedgerRecord, 'chain' | 'index'>, [chain: string, index: number]>;
  private readonly ids: Database<[chain: string, index: number], string>;
  private readonly places: Database<number, Key[]>;
  private readonly heads: Database<ChainHead, string>;
  private readonly counts: Database<Omit<WriterCount, 'writer' | 'chain'>, [writer: string, chain: string]>;

  constructor(path: string) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    this.root = open({ path, maxDbs: 8, encoding: 'json' });
    // A body is JSON already: written as JSON once more, every quote in it costs two bytes and a look.
    this.records = this.root.openDB({ name: 'records', encoding: 'msgpack' });
    this.ids = this.root.openDB({ name: 'ids' });
    this.places = this.root.openDB({ name: 'places' });
    this.heads = this.root.openDB({ name: 'heads' });
    this.counts = this.root.openDB({ name: 'writers' });
  }

  async head(chain: string): Promise<ChainHead> {
    return this.heads.get(chain) ?? NO_RECORD;
  }

  async recorded(ids: readonly string[]): Promise<Set<string>> {
    return new Set(ids.filter((id) => this.ids.doesExist(id)));
  }

  async writerCounts(chain: string, writers: readonly string[]): Promise<Map<string, WriterCount>> {
    return new Map(
      writers.flatMap((writer) => {
        const count = this.counts.get([writer, chain]);
        return count ? [[writer, { writer, chain, ...count }]] : [];
      }),
    );
  }

  async commit(commit: Commit): Promise<boolean> {
    const done = await this.root.transaction(() => this.write(commit));
    if (done) await this.root.flushed;
    return done;
  }

  private write({ chain, expected, records, writers }: Commit): boolean {
    const head = this.heads.get(chain) ?? NO_RECORD;
    if (head.index !== expected.index || head.hash !== expected.hash) return false;
    if (records.some(({ id }) => this.ids.doesExist(id))) return false;
    for (const record of records) this.writeRecord(record);
    for (const { writer, first, last, count } of writers) this.counts.putSync([writer, chain], { first, last, count });
    const last = records.at(-1)?.record ?? head;
    this.heads.putSync(chain, { index: last.index, hash: last.hash });
    return true;
  }

  private writeRecord({ record, id, time, keys }: IndexedRecord): void {
    const { chain, index, previous, hash, body } = record;
    this.records.putSync([chain, index], { previous, hash, body });
    this.ids.putSync(id, [chain, index]);
    for (const key of keys) this.places.putSync([key.index, chain, key.value, time, id], index);
  }

  async find({ chain, key, from = '', to = LAST, after, limit }: IndexPage): Promise<Found[]> {
    const under = [key.index, chain, key.value];
    const newest = after ? [...under, after.time, after.id] : [...under, to, LAST];
    // Reverse ranges begin below their start and take in their end.
    const range = this.places.getRange({
      start: newest,
      end: [...under, from],
      reverse: true,
      exclusiveStart: true,
      limit,
    });
    return [...range].flatMap(({ key: place, value: index }) => {
      const record = this.records.get([chain, index]);
      const [time, id] = place.slice(3) as [string, string];
      return record ? [{ place: { time, id }, record: { chain, index, ...record } }] : [];
    });
  }

  async byIds(ids: readonly string[]): Promise<LedgerRecord[]> {
    return ids.flatMap((id) => {
      const [chain, index] = this.ids.get(id) ?? [];
      const record = chain !== undefined && index !== undefined ? this.records.get([chain, index]) : undefined;
      return record ? [{ chain: chain as string, index: index as number, ...record }] : [];
    });
  }

  async back(chain: string, index: number, limit: number): Promise<LedgerRecord[]> {
    const range = this.records.getRange({ start: [chain, index], end: [chain, 0], reverse: true, limit });
    return [...range].map(({ key, value }) => ({ chain, index: key[1], ...value }));
  }

  async *walk(chain: string, from = 1): AsyncGenerator<LedgerRecord> {
    for (const { key, value } of this.records.getRange({ start: [chain, from], end: [chain, Infinity] })) {
      yield { chain, index: key[1], ...value };
    }
  }

  async chains(): Promise<Map<string, ChainHead>> {
    return new Map([...this.heads.getRange()].map(({ key, value }) => [key, value]));
  }

  async *writers(): AsyncGenerator<WriterCount> {
    for (const { key, value } of this.counts.getRange()) yield { writer: key[0], chain: key[1], ...value };
  }

  async healthy(): Promise<boolean> {
    this.heads.get('');
    return true;
  }

  async close(): Promise<void> {
    await this.root.close();
  }
}

/** Sorts behind every time and every id. */
const LAST = '\uffff';
