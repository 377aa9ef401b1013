import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LOCAL_AWS } from '@latchkey/testing';
import { TenantTable } from '../src/tenant-table';

/** DynamoDB Local is slow on a busy machine. */
const PATIENT = { maxAttempts: 2, requestHandler: { connectionTimeout: 10_000, requestTimeout: 60_000 } };

export function clientOf(endpoint: string, limits: object = PATIENT): DynamoDBClient {
  return new DynamoDBClient({
    ...limits,
    endpoint,
    region: LOCAL_AWS.AWS_REGION,
    credentials: { accessKeyId: LOCAL_AWS.AWS_ACCESS_KEY_ID, secretAccessKey: LOCAL_AWS.AWS_SECRET_ACCESS_KEY },
  });
}

export function tableAt(endpoint: string, name: string): TenantTable {
  return new TenantTable(name, clientOf(endpoint));
}

/** A table of its own, empty. */
export async function newTable(endpoint: string): Promise<TenantTable> {
  const table = tableAt(endpoint, `tenants-${randomUUID()}`);
  await table.create(false);
  return table;
}
