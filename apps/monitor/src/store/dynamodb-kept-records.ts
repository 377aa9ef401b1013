import {
  DeleteItemCommand,
  GetItemCommand,
  paginateQuery,
  PutItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import type { KeptRecords, RecordKey } from './kept-records';
import { nameOf } from './lmdb-kept-records';

/** Records in a partition of the ledger's table. */
export class DynamoDbKeptRecords<T> implements KeptRecords<T> {
  constructor(
    private readonly client: DynamoDBClient,
    private readonly table: string,
    private readonly partition: string,
  ) {}

  async *load(): AsyncGenerator<T> {
    const pages = paginateQuery(
      { client: this.client },
      {
        TableName: this.table,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: this.partition } },
      },
    );
    for await (const { Items } of pages) {
      for (const item of Items ?? []) yield JSON.parse(item['value']?.S ?? '') as T;
    }
  }

  async get(key: RecordKey): Promise<T | undefined> {
    const Key = this.keyOf(key);
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key, ConsistentRead: true }));
    return Item && (JSON.parse(Item['value']?.S ?? '') as T);
  }

  async put(key: RecordKey, value: T): Promise<void> {
    const Item = { ...this.keyOf(key), value: { S: JSON.stringify(value) } };
    await this.client.send(new PutItemCommand({ TableName: this.table, Item }));
  }

  async delete(key: RecordKey): Promise<void> {
    await this.client.send(new DeleteItemCommand({ TableName: this.table, Key: this.keyOf(key) }));
  }

  private keyOf(key: RecordKey) {
    return { pk: { S: this.partition }, sk: { S: nameOf(key) } };
  }
}
