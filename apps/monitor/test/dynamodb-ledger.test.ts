import { randomUUID } from 'node:crypto';
import { DeleteItemCommand, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { dynamoDbLocalMissing, startDynamoDbLocal, type DynamoDbLocal } from '@latchkey/testing';
import { DynamoDbLedgerStore, recordKey } from '../src/ledger/dynamodb-ledger-store';
import { createLedgerTable } from '../src/ledger/dynamodb-table';
import { DynamoDbRotationStore } from '../src/rotation/dynamodb-rotation-store';
import { advance } from '../src/rotation/watched-content';
import { describeWith } from './describe-with';
import { describeLedgerStore } from './ledger-store.conformance';
import { newKeyId } from './sample-events';

describeWith(dynamoDbLocalMissing())('DynamoDB', () => {
  let dynamoDb: DynamoDbLocal;
  let client: DynamoDBClient;
  beforeAll(async () => {
    dynamoDb = await startDynamoDbLocal();
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    client = new DynamoDBClient({ endpoint: dynamoDb.endpoint, region: 'eu-west-1', credentials });
  }, 60_000);
  afterAll(async () => {
    client.destroy();
    await dynamoDb.close();
  });
  const newTable = async () => {
    const table = `ledger-${randomUUID()}`;
    await createLedgerTable(client, table, false);
    return table;
  };

  describeLedgerStore('ledger on DynamoDB', async () => {
    const TableName = await newTable();
    return {
      open: async () => new DynamoDbLedgerStore(client, TableName),
      edit: async (chain, index, body) => {
        const change = { UpdateExpression: 'SET body = :body', ExpressionAttributeValues: { ':body': { S: body } } };
        await client.send(new UpdateItemCommand({ TableName, Key: recordKey(chain, index), ...change }));
      },
      remove: async (chain, index) => {
        await client.send(new DeleteItemCommand({ TableName, Key: recordKey(chain, index) }));
      },
    };
  });

  it('keeps what the rotation watch knows', async () => {
    const store = new DynamoDbRotationStore(client, await newTable());
    const asked = { encryptorId: 'e', exchangeId: 'x', periodIndex: 1, position: 1, periodMs: undefined, at: 1 };
    const names = ['a'.repeat(1_024), 'b'];
    const contents = names.map((contentId) =>
      advance(undefined, { tenant: 'default', contentId, keyIds: [newKeyId()], ...asked }),
    );
    for (const content of contents) await store.put(content);
    const loaded = [];
    for await (const content of store.load()) loaded.push(content.contentId);
    expect(loaded.sort()).toEqual(names);
    expect(await store.get('default', 'b')).toEqual(JSON.parse(JSON.stringify(contents[1])));
    await store.delete('default', 'b');
    expect(await store.get('default', 'b')).toBeUndefined();
  });
});
