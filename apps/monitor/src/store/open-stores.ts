import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { open } from 'lmdb';
import type { MonitorConfig } from '../config';
import { DynamoDbLedgerStore } from '../ledger/dynamodb-ledger-store';
import type { LedgerStore } from '../ledger/ledger-store';
import { LmdbLedgerStore } from '../ledger/lmdb-ledger-store';
import { DynamoDbKeptRecords } from './dynamodb-kept-store';
import type { KeptRecords } from './kept-records';
import { LmdbKeptRecords } from './lmdb-kept-store';

export interface MonitorStores {
  readonly ledger: LedgerStore;
  /** A room of its own for each part that remembers. */
  kept<T>(name: 'rotation' | 'deliveries' | 'runs'): KeptRecords<T>;
  close(): Promise<void>;
}

/** In DynamoDB if a table is named, else in folders of DATA_DIR. */
export function openStores({ dataDir, ledgerTable }: Pick<MonitorConfig, 'dataDir' | 'ledgerTable'>): MonitorStores {
  return ledgerTable === undefined ? inFolder(join(dataDir, 'monitor')) : inDynamoDb(ledgerTable);
}

function inFolder(folder: string): MonitorStores {
  const ledger = new LmdbLedgerStore(join(folder, 'ledger'));
  const path = join(folder, 'kept');
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const root = open({ path, maxDbs: 8 });
  return {
    ledger,
    kept: (name) => new LmdbKeptRecords(root, name),
    close: async () => {
      await ledger.close();
      await root.close();
    },
  };
}

/** A dead endpoint is a failure in seconds, not a wait without end: events then come again. */
export const CLIENT_LIMITS = {
  maxAttempts: 3,
  requestHandler: { requestTimeout: 3_000, connectionTimeout: 1_000, throwOnRequestTimeout: true },
};

function inDynamoDb(table: string): MonitorStores {
  // Region, credentials and endpoint: the SDK finds them in the environment.
  const client = new DynamoDBClient(CLIENT_LIMITS);
  return {
    ledger: new DynamoDbLedgerStore(client, table),
    kept: (name) => new DynamoDbKeptRecords(client, table, name),
    close: async () => client.destroy(),
  };
}
