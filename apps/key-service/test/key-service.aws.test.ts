import { dynamoDbLocalMissing, startDynamoDbLocal, startKms, type DynamoDbLocal } from '@latchkey/testing';
import { describeWith } from './describe-with';
import { describeKeyService } from './key-service.conformance';
import type { KeyStore } from '../src/store/key-store';
import { dynamoDbStore, newTable } from './stores';

// DynamoDB Local is slow on a busy machine.
describeWith(dynamoDbLocalMissing())('key service on DynamoDB and KMS', () => {
  let dynamoDb: DynamoDbLocal;
  let kms: Awaited<ReturnType<typeof startKms>>;
  let table: string;
  let store: KeyStore;
  beforeAll(async () => {
    [dynamoDb, kms] = await Promise.all([startDynamoDbLocal(), startKms()]);
    // The SDK looks for them where it always does.
    Object.assign(process.env, dynamoDb.environment, kms.environment);
    table = await newTable(dynamoDb.endpoint);
    store = dynamoDbStore(dynamoDb.endpoint, table);
  });
  afterAll(async () => {
    await store.close();
    await Promise.all([dynamoDb.close(), kms.close()]);
  });

  const place = () => ({
    // What is late is looked at elsewhere, in the tests of faults: here a busy machine may take its time.
    environment: { DYNAMODB_TABLE: table, KMS_KEY_ID: 'alias/latchkey', AWS_ATTEMPT_MS: '30000' },
    store: () => store,
  });
  // Its own block: what it has started ends before what that stands on.
  describe('answers', () => describeKeyService(place, 3));
});
