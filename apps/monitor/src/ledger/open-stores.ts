import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { MonitorConfig } from '../config';
import { DynamoDbRotationStore } from '../rotation/dynamodb-rotation-store';
import { LmdbRotationStore, type RotationStore } from '../rotation/rotation-store';
import { DynamoDbLedgerStore } from './dynamodb-ledger-store';
import type { LedgerStore } from './ledger-store';
import { LmdbLedgerStore } from './lmdb-ledger-store';

export interface MonitorStores {
  readonly ledger: LedgerStore;
  readonly rotation: RotationStore;
  close(): Promise<void>;
}

/** In DynamoDB if a table is named, else in folders of DATA_DIR. */
export function openStores({ dataDir, ledgerTable }: Pick<MonitorConfig, 'dataDir' | 'ledgerTable'>): MonitorStores {
  if (ledgerTable !== undefined) return inDynamoDb(ledgerTable);
  const ledger = new LmdbLedgerStore(join(dataDir, 'monitor', 'ledger'));
  const rotation = new LmdbRotationStore(join(dataDir, 'monitor', 'rotation'));
  return {
    ledger,
    rotation,
    close: async () => {
      await ledger.close();
      await rotation.close();
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
    rotation: new DynamoDbRotationStore(client, table),
    close: async () => client.destroy(),
  };
}
