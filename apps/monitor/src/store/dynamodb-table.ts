import {
  CreateTableCommand,
  UpdateContinuousBackupsCommand,
  waitUntilTableExists,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { CLIENT_LIMITS } from './dynamodb-stores';

/** Makes the monitor's table, as deploy/ describes it; one that is there stays. Throws the SDK's errors. */
export async function createLedgerTable(
  table: string,
  { client = new DynamoDBClient(CLIENT_LIMITS), protect = true }: { client?: DynamoDBClient; protect?: boolean } = {},
): Promise<void> {
  await client
    .send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        DeletionProtectionEnabled: protect,
        AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    )
    .catch((error: Error) => {
      if (error.name !== 'ResourceInUseException') throw error;
    });
  await waitUntilTableExists({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 5 }, { TableName: table });
  if (!protect) return;
  const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
  await client.send(new UpdateContinuousBackupsCommand({ TableName: table, PointInTimeRecoverySpecification }));
}
