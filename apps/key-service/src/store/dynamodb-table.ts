import {
  CreateTableCommand,
  DescribeTableCommand,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
  type CreateTableCommandInput,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';

/** Sparse: only key rows have the attribute. */
export const BY_KEY_ID = 'by-key-id';

/** What each attribute of the table is called. */
export const ATTRIBUTE = {
  partition: 'pk',
  sort: 'sk',
  /** `<tenant>#<key ID>`, of the index. */
  keyId: 'kid',
  /** Epoch seconds, for DynamoDB's time to live. */
  expires: 'ttl',
} as const;

export interface TableProtection {
  /** Against being deleted, by anybody. */
  readonly deletionProtection: boolean;
  /** Back to any second of the last 35 days. */
  readonly pointInTimeRecovery: boolean;
}

/** Makes the table of the key service with all that its promises need; what is there already stays, and is protected. Throws the SDK's errors. */
export async function createKeyTable(
  client: DynamoDBClient,
  table: string,
  protection: TableProtection = { deletionProtection: true, pointInTimeRecovery: true },
): Promise<void> {
  await unlessThere('ResourceInUseException', client.send(new CreateTableCommand(tableOf(table, protection))));
  await waitUntilTableExists({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 5 }, { TableName: table });
  if (protection.deletionProtection) await protectFromDeletion(client, table);
  const TimeToLiveSpecification = { AttributeName: ATTRIBUTE.expires, Enabled: true };
  await unlessThere(
    'ValidationException',
    client.send(new UpdateTimeToLiveCommand({ TableName: table, TimeToLiveSpecification })),
  );
  if (!protection.pointInTimeRecovery) return;
  const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
  await client.send(new UpdateContinuousBackupsCommand({ TableName: table, PointInTimeRecoverySpecification }));
}

/** A table that was restored from a backup has none. */
async function protectFromDeletion(client: DynamoDBClient, table: string): Promise<void> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
  if (Table?.DeletionProtectionEnabled) return;
  await client.send(new UpdateTableCommand({ TableName: table, DeletionProtectionEnabled: true }));
}

function tableOf(table: string, { deletionProtection }: TableProtection): CreateTableCommandInput {
  return {
    TableName: table,
    BillingMode: 'PAY_PER_REQUEST',
    DeletionProtectionEnabled: deletionProtection,
    AttributeDefinitions: [ATTRIBUTE.partition, ATTRIBUTE.sort, ATTRIBUTE.keyId].map((name) => ({
      AttributeName: name,
      AttributeType: 'S',
    })),
    KeySchema: [
      { AttributeName: ATTRIBUTE.partition, KeyType: 'HASH' },
      { AttributeName: ATTRIBUTE.sort, KeyType: 'RANGE' },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: BY_KEY_ID,
        KeySchema: [{ AttributeName: ATTRIBUTE.keyId, KeyType: 'HASH' }],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  };
}

async function unlessThere(said: string, done: Promise<unknown>): Promise<void> {
  await done.catch((error: unknown) => {
    if ((error as Error).name !== said) throw error;
  });
}
