import type { IndexKey } from './index-keys';
import type { ChainHead, LedgerRecord } from './ledger-record';

/** A record with what the store must be able to find it by. */
export interface IndexedRecord {
  readonly record: LedgerRecord;
  /** The event's id: no second record has it, in whatever chain. */
  readonly id: string;
  /** When it happened, ISO 8601 in UTC with milliseconds, so that text order is time order. */
  readonly time: string;
  readonly keys: readonly IndexKey[];
}

/** What one writer has put into one chain: with all chains together, `count` short of the span is a gap. */
export interface WriterCount {
  readonly writer: string;
  readonly chain: string;
  readonly first: number;
  readonly last: number;
  readonly count: number;
}

export interface Commit {
  readonly chain: string;
  /** Where the chain must still stand. */
  readonly expected: ChainHead;
  readonly records: readonly IndexedRecord[];
  readonly writers: readonly WriterCount[];
}

/** A place in an index: by time, then by event id. */
export interface Place {
  readonly time: string;
  readonly id: string;
}

export interface IndexPage {
  readonly chain: string;
  readonly key: IndexKey;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Go on behind this place. */
  readonly after?: Place | undefined;
  readonly limit: number;
}

export interface Found {
  readonly place: Place;
  readonly record: LedgerRecord;
}

/**
 * Where chains are kept. Two implementations pass one conformance suite: LMDB on one machine, DynamoDB in the cloud.
 * The store settles races: of two commits that expect one head, one is refused, whole.
 */
export interface LedgerStore {
  /** Most records that one commit takes. */
  readonly maxCommit: number;
  head(chain: string): Promise<ChainHead>;
  /** Those of the event ids that have a record. */
  recorded(ids: readonly string[]): Promise<Set<string>>;
  writerCounts(chain: string, writers: readonly string[]): Promise<Map<string, WriterCount>>;
  /** `false`, and nothing written: the head has moved on, or one of the ids has a record. */
  commit(commit: Commit): Promise<boolean>;
  /** The most recent first. */
  find(page: IndexPage): Promise<Found[]>;
  /** The records of these event ids, in no order. */
  byIds(ids: readonly string[]): Promise<LedgerRecord[]>;
  /** Records of a chain backwards, from `index` down. */
  back(chain: string, index: number, limit: number): Promise<LedgerRecord[]>;
  /** All of a chain from its `from`th record on, in order: what is there, whether or not it is right. */
  walk(chain: string, from?: number): AsyncIterable<LedgerRecord>;
  chains(): Promise<Map<string, ChainHead>>;
  writers(): AsyncIterable<WriterCount>;
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}
