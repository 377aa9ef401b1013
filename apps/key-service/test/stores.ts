import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Deadline } from '@latchkey/bus';
import { parseKeyId, type KeyId } from '@latchkey/cenc';
import { createLogger } from '@latchkey/runtime';
import { LOCAL_AWS } from '@latchkey/testing';
import { clientLimits } from '../src/aws/guarded-calls';
import { openDynamoDbKeyStore } from '../src/store/dynamodb-key-store';
import { createKeyTable } from '../src/store/dynamodb-table';
import { openEmbeddedKeyStore } from '../src/store/embedded-key-store';
import type { KeyStore } from '../src/store/key-store';
import type { DeliveryPermit, KeyFacts, StoredKey } from '../src/store/stored-key';
import { openLocalMasterKey } from '../src/wrapping/local-master-key';

export const quiet = createLogger('test', { LOG_LEVEL: 'silent' });

export const soon = () => Deadline.in(60_000);

export const newKeyId = () => parseKeyId(randomUUID());

/** A row with something in it that is no key. */
export function storedKey(contentId: string, keyId: KeyId = newKeyId(), facts: Partial<KeyFacts> = {}): StoredKey {
  return {
    state: 'kept',
    tenant: 'default',
    contentId,
    keyId,
    facts: JSON.stringify({ createdAt: 1_000, origin: 'random', explicitIv: 'AAAAAAAAAAAAAAAAAAAAAA==', ...facts }),
    wrapped: { encryptedDataKey: Buffer.from('data key'), box: Buffer.from(`box of ${keyId}`) },
  };
}

/** A permit with something in it that is none. */
export function storedPermit(
  { tenant, contentId, keyId }: StoredKey,
  permittedAt = 1_000,
  expiresAt?: number,
): DeliveryPermit {
  const wrapped = { encryptedDataKey: Buffer.from('data key'), box: Buffer.from(`permit at ${permittedAt}`) };
  return { tenant, contentId, keyId, permittedAt, ...(expiresAt !== undefined && { expiresAt }), wrapped };
}

export function embeddedStore(path: string): KeyStore {
  return openEmbeddedKeyStore(path);
}

/**
 * For a service on the embedded store, and for a test that looks over its shoulder. The test's view is opened first: LMDB opens with a
 * short write of its own, which would wait for ever for a transaction of the same process that waits for this turn to end.
 */
export function embeddedPlace(directory: string) {
  openLocalMasterKey(join(directory, 'master.key'), true);
  const keys = join(directory, 'keys');
  const store = embeddedStore(keys);
  return { environment: { DATA_DIR: directory }, keys, store: () => store };
}

export function dynamoDbClient(endpoint: string, limits: object = clientLimits()): DynamoDBClient {
  return new DynamoDBClient({
    ...limits,
    endpoint,
    region: LOCAL_AWS.AWS_REGION,
    credentials: { accessKeyId: LOCAL_AWS.AWS_ACCESS_KEY_ID, secretAccessKey: LOCAL_AWS.AWS_SECRET_ACCESS_KEY },
  });
}

/** A table of its own for each suite. */
export async function newTable(endpoint: string): Promise<string> {
  const table = `keys-${randomUUID()}`;
  // A Java machine that has just started is slow.
  const client = dynamoDbClient(endpoint, {});
  await createKeyTable(client, table, { deletionProtection: false, pointInTimeRecovery: false });
  client.destroy();
  return table;
}

/** `limits`: patient by default, as DynamoDB Local is slow on a busy machine; the service's own where they are what is tested. */
export function dynamoDbStore(endpoint: string, table: string, limits: object = PATIENT) {
  return openDynamoDbKeyStore({ table, logger: quiet, client: dynamoDbClient(endpoint, limits) });
}

export const PATIENT = { maxAttempts: 2, requestHandler: { connectionTimeout: 10_000, requestTimeout: 60_000 } };
