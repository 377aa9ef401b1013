import { join } from 'node:path';
import type { MonitorConfig } from '../config';
import { LmdbRotationStore, type RotationStore } from '../rotation/rotation-store';
import type { LedgerStore } from './ledger-store';
import { LmdbLedgerStore } from './lmdb-ledger-store';

export interface MonitorStores {
  readonly ledger: LedgerStore;
  readonly rotation: RotationStore;
}

/** In DynamoDB if a table is named, else in folders of DATA_DIR. */
export async function openStores({
  dataDir,
}: Pick<MonitorConfig, 'dataDir' | 'ledgerTable' | 'dynamoEndpoint'>): Promise<MonitorStores> {
  const folder = join(dataDir, 'monitor');
  return {
    ledger: new LmdbLedgerStore(join(folder, 'ledger')),
    rotation: new LmdbRotationStore(join(folder, 'rotation')),
  };
}
