import {
  BatchWriteItemCommand,
  GetItemCommand,
  paginateQuery,
  PutItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import type { KeptRecords, RecordKey } from './kept-records';
import { nameOf } from './lmdb-kept-store';

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

  /** In a batch of one: the monitor's role need not hold a permission of its own for deleting. */
  async delete(key: RecordKey): Promise<void> {
    const RequestItems = { [this.table]: [{ DeleteRequest: { Key: this.keyOf(key) } }] };
    const { UnprocessedItems = {} } = await this.client.send(new BatchWriteItemCommand({ RequestItems }));
    if (UnprocessedItems[this.table]) throw new Error('DynamoDB did not get to a deletion');
  }

  private keyOf(key: RecordKey) {
    return { pk: { S: this.partition }, sk: { S: nameOf(key) } };
  }
}
