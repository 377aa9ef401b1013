import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDbLedgerStore } from '../ledger/dynamodb-ledger-store';
import { DynamoDbKeptRecords } from './dynamodb-kept-store';
import type { MonitorStores } from './monitor-stores';

/** A dead endpoint is a failure in seconds, not a wait without end: events then come again. */
export const CLIENT_LIMITS = {
  maxAttempts: 3,
  requestHandler: { requestTimeout: 3_000, connectionTimeout: 1_000, throwOnRequestTimeout: true },
};

export function openDynamoDbStores(table: string): MonitorStores {
  // Region, credentials and endpoint: the SDK finds them in the environment.
  const client = new DynamoDBClient(CLIENT_LIMITS);
  return {
    ledger: new DynamoDbLedgerStore(client, table),
    kept: (name) => new DynamoDbKeptRecords(client, table, name),
    close: async () => client.destroy(),
  };
}
