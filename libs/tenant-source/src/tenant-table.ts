import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  paginateScan,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateContinuousBackupsCommand,
  waitUntilTableExists,
  type AttributeValue,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import type { TenantRow } from '@latchkey/tenants';

/** All rows as they were at one moment. */
export interface TenantTableContent {
  /** Counts the changes of the table; 0 before the first. */
  readonly generation: number;
  readonly rows: readonly KeptTenantRow[];
}

export interface KeptTenantRow extends TenantRow {
  /** ISO 8601; empty where nobody said it. */
  readonly changed: string;
}

/** A row that is to be written, and what its writer believes to be there. */
export interface TenantChange {
  readonly id: string;
  /** Undefined: the row is to go. */
  readonly document: string | undefined;
  /** Undefined: there is no such row. */
  readonly version: number | undefined;
}

export type ChangeOutcome =
  | { readonly done: true; readonly version: number }
  /** The row is not as believed, or another change of the table came first. */
  | { readonly done: false; readonly because: 'row' | 'table' };

type Item = Record<string, AttributeValue>;

/** No tenant's ID: this row counts the table's changes, so that to see whether there are any takes one small read. */
const HEAD = '#tenants';
const NAMES = { '#version': 'version' };
const MOST_READS = 3;

/** A dead endpoint is a failure in seconds, not a wait without end. */
const CLIENT_LIMITS = {
  maxAttempts: 3,
  requestHandler: { requestTimeout: 3_000, connectionTimeout: 1_000, throwOnRequestTimeout: true },
};

/**
 * Tenants as rows of a DynamoDB table: `id` is its key, `document` the tenant as JSON, `version` what the head's version became by
 * its change. All reads are consistent. Methods throw the SDK's errors.
 */
export class TenantTable {
  constructor(
    readonly name: string,
    /** Region, credentials and endpoint: the SDK finds them in the environment. */
    private readonly client = new DynamoDBClient(CLIENT_LIMITS),
  ) {}

  async generation(): Promise<number> {
    const Key = { id: { S: HEAD } };
    const { Item: head } = await this.client.send(
      new GetItemCommand({ TableName: this.name, Key, ConsistentRead: true }),
    );
    return versionOf(head);
  }

  async read(): Promise<TenantTableContent> {
    let generation = await this.generation();
    for (let reads = 1; ; reads++) {
      const rows = await this.#rows();
      const after = await this.generation();
      // Under changes without end the older number: the next look finds it old, and reads again.
      if (after === generation || reads === MOST_READS) return { generation, rows };
      generation = after;
    }
  }

  /** One row, and with it the table's count: whoever has judged the table of `generation` changes that one and no other. */
  async change({ id, document, version }: TenantChange, generation: number, now: Date): Promise<ChangeOutcome> {
    const next = generation + 1;
    const item = { id: { S: id }, version: { N: String(next) }, changed: { S: now.toISOString() } };
    const expected = { TableName: this.name, ...conditionOf(version) };
    const TransactItems: TransactWriteItem[] = [
      document === undefined
        ? { Delete: { ...expected, Key: { id: { S: id } } } }
        : { Put: { ...expected, Item: { ...item, document: { S: document } } } },
      { Put: { TableName: this.name, ...conditionOf(generation || undefined), Item: { ...item, id: { S: HEAD } } } },
    ];
    try {
      await this.client.send(new TransactWriteItemsCommand({ TransactItems }));
      return { done: true, version: next };
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const [row, table] = (error.CancellationReasons ?? []).map(({ Code }) => Code ?? 'None');
      if (row === 'ConditionalCheckFailed') return { done: false, because: 'row' };
      if ([row, table].some((code) => code === 'ConditionalCheckFailed' || code === 'TransactionConflict'))
        return { done: false, because: 'table' };
      throw error;
    }
  }

  /** One that is there stays. Unprotected is for DynamoDB Local, which knows no point-in-time recovery. */
  async create(protect: boolean): Promise<void> {
    const table = new CreateTableCommand({
      TableName: this.name,
      BillingMode: 'PAY_PER_REQUEST',
      DeletionProtectionEnabled: protect,
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    });
    await this.client.send(table).catch((error: Error) => {
      if (error.name !== 'ResourceInUseException') throw error;
    });
    const { client } = this;
    await waitUntilTableExists({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 5 }, { TableName: this.name });
    if (!protect) return;
    const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
    await client.send(new UpdateContinuousBackupsCommand({ TableName: this.name, PointInTimeRecoverySpecification }));
  }

  close(): void {
    this.client.destroy();
  }

  async #rows(): Promise<KeptTenantRow[]> {
    const rows: KeptTenantRow[] = [];
    for await (const { Items = [] } of paginateScan(
      { client: this.client },
      { TableName: this.name, ConsistentRead: true },
    )) {
      rows.push(...Items.filter(({ id }) => id?.S !== HEAD).map(rowOf));
    }
    return rows;
  }
}

function conditionOf(version: number | undefined) {
  if (version === undefined) return { ConditionExpression: 'attribute_not_exists(id)' };
  // Written by somebody who does not count.
  const uncounted = 'attribute_exists(id) AND attribute_not_exists(#version)';
  if (version === 0) return { ConditionExpression: uncounted, ExpressionAttributeNames: NAMES };
  return {
    ConditionExpression: '#version = :version',
    ExpressionAttributeNames: NAMES,
    ExpressionAttributeValues: { ':version': { N: String(version) } },
  };
}

/** What is no text reads as none, which is no tenant: a wrong row is named, not left out. */
function rowOf(item: Item): KeptTenantRow {
  return {
    id: item['id']?.S ?? '',
    version: versionOf(item),
    document: item['document']?.S ?? '',
    changed: item['changed']?.S ?? '',
  };
}

function versionOf(item: Item | undefined): number {
  return Number(item?.['version']?.N ?? 0);
}
