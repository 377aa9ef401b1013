import { dynamoDbLocalMissing, startDynamoDbLocal, startKms, type DynamoDbLocal } from '@latchkey/testing';
import { describeWith } from './describe-with';
import { tamperWithDynamoDb, type RowTamperer } from './row-tamperer';
import { dynamoDbStore, newTable } from './stores';
import { describeTampering } from './tampering.conformance';

describeWith(dynamoDbLocalMissing())('tampering with DynamoDB', () => {
  let dynamoDb: DynamoDbLocal;
  let kms: Awaited<ReturnType<typeof startKms>>;
  let table: string;
  let tamperer: RowTamperer;
  beforeAll(async () => {
    [dynamoDb, kms] = await Promise.all([startDynamoDbLocal(), startKms()]);
    Object.assign(process.env, dynamoDb.environment, kms.environment);
    table = await newTable(dynamoDb.endpoint);
    tamperer = tamperWithDynamoDb(dynamoDb.endpoint, table);
  });
  afterAll(async () => {
    await tamperer.close();
    await Promise.all([dynamoDb.close(), kms.close()]);
  });

  const place = () => ({
    environment: { DYNAMODB_TABLE: table, KMS_KEY_ID: 'alias/latchkey', AWS_ATTEMPT_MS: '30000' },
    store: () => dynamoDbStore(dynamoDb.endpoint, table),
  });
  describe('is noticed', () => describeTampering(place, () => tamperer));
});
