import { dynamoDbLocalMissing, startDynamoDbLocal, type DynamoDbLocal } from '@latchkey/testing';
import { describeWith } from './describe-with';
import { describeKeyStore } from './key-store.conformance';
import { dynamoDbStore, newTable } from './stores';

// A transaction takes DynamoDB Local long on a busy machine.
jest.setTimeout(120_000);

describeWith(dynamoDbLocalMissing())('DynamoDB key store', () => {
  let dynamoDb: DynamoDbLocal;
  let table: string;
  beforeAll(async () => {
    dynamoDb = await startDynamoDbLocal();
    table = await newTable(dynamoDb.endpoint);
  }, 60_000);
  afterAll(() => dynamoDb.close());

  describe('as every store', () =>
    describeKeyStore(() => ({ open: async () => dynamoDbStore(dynamoDb.endpoint, table) })));
});
