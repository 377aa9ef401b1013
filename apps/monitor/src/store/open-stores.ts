import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import type { MonitorConfig } from '../config';
import { LmdbLedgerStore } from '../ledger/lmdb-ledger-store';
import type { MonitorStores } from './monitor-stores';
import { LmdbKeptRecords } from './lmdb-kept-store';

/** In DynamoDB if a table is named, else in folders of DATA_DIR. The AWS SDK is loaded only if it is used. */
export function openStores(config: Pick<MonitorConfig, 'dataDir' | 'ledgerTable'>): MonitorStores {
  if (config.ledgerTable === undefined) return inFolder(join(config.dataDir, 'monitor'));
  const { openDynamoDbStores } = require('./dynamodb-stores') as typeof import('./dynamodb-stores');
  return openDynamoDbStores(config.ledgerTable);
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
