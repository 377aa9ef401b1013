import { randomUUID } from 'node:crypto';
import { DeleteItemCommand, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { dynamoDbLocalMissing, startDynamoDbLocal, type DynamoDbLocal } from '@latchkey/testing';
import { DynamoDbLedgerStore, recordKey } from '../src/ledger/dynamodb-ledger-store';
import { DynamoDbKeptRecords } from '../src/store/dynamodb-kept-store';
import { createLedgerTable } from '../src/store/dynamodb-table';
import { describeWith } from './describe-with';
import { describeLedgerStore } from './ledger-store.conformance';
import { describeKeptRecords } from './kept-records.conformance';

describeWith(dynamoDbLocalMissing())('DynamoDB', () => {
  let dynamoDb: DynamoDbLocal;
  let client: DynamoDBClient;
  beforeAll(async () => {
    dynamoDb = await startDynamoDbLocal();
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    client = new DynamoDBClient({ endpoint: dynamoDb.endpoint, region: 'eu-west-1', credentials });
  });
  afterAll(async () => {
    client.destroy();
    await dynamoDb.close();
  });
  const newTable = async () => {
    const table = `ledger-${randomUUID()}`;
    await createLedgerTable(table, { client, protect: false });
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

  describeKeptRecords('kept records on DynamoDB', async () => {
    const table = await newTable();
    return (name) => new DynamoDbKeptRecords(client, table, name);
  });
});
