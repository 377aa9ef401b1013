import {
  DeleteItemCommand,
  GetItemCommand,
  paginateQuery,
  PutItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { contentDigest } from '../ledger/index-keys';
import type { RotationStore } from './rotation-store';
import type { WatchedContent } from './watched-content';

const PARTITION = 'rotation';

/** What the watch knows, in the ledger's table. */
export class DynamoDbRotationStore implements RotationStore {
  constructor(
    private readonly client: DynamoDBClient,
    private readonly table: string,
  ) {}

  async *load(): AsyncGenerator<WatchedContent> {
    const pages = paginateQuery(
      { client: this.client },
      {
        TableName: this.table,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: PARTITION } },
      },
    );
    for await (const { Items } of pages) {
      for (const item of Items ?? []) yield JSON.parse(item['content']?.S ?? '') as WatchedContent;
    }
  }

  async get(tenant: string, contentId: string): Promise<WatchedContent | undefined> {
    const Key = keyOf(tenant, contentId);
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key, ConsistentRead: true }));
    return Item && (JSON.parse(Item['content']?.S ?? '') as WatchedContent);
  }

  async put(content: WatchedContent): Promise<void> {
    const Item = { ...keyOf(content.tenant, content.contentId), content: { S: JSON.stringify(content) } };
    await this.client.send(new PutItemCommand({ TableName: this.table, Item }));
  }

  async delete(tenant: string, contentId: string): Promise<void> {
    await this.client.send(new DeleteItemCommand({ TableName: this.table, Key: keyOf(tenant, contentId) }));
  }

  async close(): Promise<void> {
    // The client is whoever made it's to end.
  }
}

/** A sort key has room for 1,024 bytes, which a content ID may have by itself. */
function keyOf(tenant: string, contentId: string) {
  return { pk: { S: PARTITION }, sk: { S: `${tenant}#${contentDigest(contentId)}` } };
}
