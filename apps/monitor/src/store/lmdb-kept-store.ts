import type { Database, RootDatabase } from 'lmdb';
import { contentDigest } from '../ledger/index-keys';
import type { KeptRecords, RecordKey } from './kept-records';

export class LmdbKeptRecords<T> implements KeptRecords<T> {
  private readonly database: Database<T, string>;

  constructor(root: RootDatabase, name: string) {
    this.database = root.openDB({ name, encoding: 'json' });
  }

  async *load(): AsyncGenerator<T> {
    for (const { value } of this.database.getRange()) yield value;
  }

  async get(key: RecordKey): Promise<T | undefined> {
    return this.database.get(nameOf(key));
  }

  async put(key: RecordKey, value: T): Promise<void> {
    await this.database.put(nameOf(key), value);
    await this.database.flushed;
  }

  async delete(key: RecordKey): Promise<void> {
    await this.database.remove(nameOf(key));
  }
}

/** A content ID alone may be longer than a key of LMDB or DynamoDB. */
export function nameOf(key: RecordKey): string {
  return contentDigest(JSON.stringify(key));
}
