/** Names a record: texts whose order is that of storage. */
export type RecordKey = readonly [string, ...string[]];

/** What a part of the monitor must know after a restart: read whole at the start, then written as it changes. */
export interface KeptRecords<T> {
  load(): AsyncIterable<T>;
  get(key: RecordKey): Promise<T | undefined>;
  /** Resolves when it is durable. */
  put(key: RecordKey, value: T): Promise<void>;
  delete(key: RecordKey): Promise<void>;
}
