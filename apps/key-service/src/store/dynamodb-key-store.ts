import { randomUUID } from 'node:crypto';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type QueryCommandInput,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import { Deadline } from '@latchkey/bus';
import type { KeyId } from '@latchkey/cenc';
import { Fault } from '@latchkey/messages';
import type { Logger } from '@latchkey/runtime';
import { AUDIT_TENANT, type AuditRecord, type AuditWriterRow } from '../audit/audit-log';
import { clientLimits, GuardedCalls, isNamed } from '../aws/guarded-calls';
import {
  AUDIT_SHARDS,
  auditPartition,
  contentPartition,
  DOCUMENT,
  documentItem,
  ENDED_WRITERS,
  isKeyItem,
  isPermitItem,
  keyIdOf,
  keyItem,
  keyOf,
  OPEN_WRITERS,
  permitItem,
  readDocumentItem,
  readKeyItem,
  readPermitItem,
  readRecordItem,
  readRevocationsItem,
  readWrapped,
  readWrappedRow,
  readWriterItem,
  recordItem,
  REVOCATIONS,
  revocationsItem,
  secretPartition,
  sequenceText,
  shreddedItem,
  wrappedAttributes,
  writerItem,
  type Item,
} from './dynamodb-rows';
import { BY_KEY_ID } from './dynamodb-table';
import { GroupedWrites } from './grouped-writes';
import type { ContentRows, KeyPage, KeyStore, NewRows, StoredDocument, WrappedRow } from './key-store';
import type { ContentName, DeliveryPermit, KeyIdentity, Revocations, Wrapped } from './stored-key';

/** DynamoDB takes so many puts in one BatchWriteItem, and so many keys in one BatchGetItem. */
const BATCH_ROWS = 25;
const BATCH_KEYS = 100;
const AUDIT_WRITES_AT_ONCE = 2;
const SHRED_WRITES_AT_ONCE = 4;
/** Of keys that DynamoDB did not get to. */
const LEFTOVER_ROUNDS = 3;
const BACKGROUND_MS = 5_000;
const CHECK_WITHIN_MS = 1_500;
const ABSENT = 'attribute_not_exists(pk)';

export interface DynamoDbKeyStoreOptions {
  readonly table: string;
  readonly logger: Logger;
  /** How long DynamoDB has for one of two attempts. */
  readonly attemptMs?: number;
  /** The SDK finds region, credentials and endpoint in the environment; here for tests. */
  readonly client?: DynamoDBClient;
  readonly random?: () => number;
}

/** The store in one DynamoDB table: see docs/decisions for its layout and why. */
export function openDynamoDbKeyStore(options: DynamoDbKeyStoreOptions): KeyStore & { readonly calls: GuardedCalls } {
  return new DynamoDbKeyStore(options);
}

class DynamoDbKeyStore implements KeyStore {
  readonly name = 'dynamodb';
  readonly calls: GuardedCalls;
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #random: () => number;
  readonly #records: GroupedWrites<AuditRecord>;

  constructor(options: DynamoDbKeyStoreOptions) {
    this.#client = options.client ?? new DynamoDBClient(clientLimits(options.attemptMs));
    this.#table = options.table;
    this.#random = options.random ?? Math.random;
    this.calls = new GuardedCalls('the key store', 'keys', options.logger);
    this.#records = new GroupedWrites({ rows: BATCH_ROWS, writes: AUDIT_WRITES_AT_ONCE }, (records, deadline) =>
      this.#putAll(records.map(recordItem), deadline),
    );
  }

  async read(
    content: ContentName,
    keyIds: readonly KeyId[],
    deadline: Deadline,
    permitsOf: readonly KeyId[] = [],
  ): Promise<ContentRows> {
    const [keys, permits] = [contentPartition('K', content), contentPartition('P', content)];
    const items = await this.#getAll(
      [
        keyOf(contentPartition('R', content), REVOCATIONS),
        ...keyIds.map((keyId) => keyOf(keys, keyId)),
        ...permitsOf.map((keyId) => keyOf(permits, keyId)),
      ],
      deadline,
    );
    return {
      rows: new Map(items.filter(isKeyItem).map((item) => [keyIdOf(item), readKeyItem(content, item)])),
      permits: new Map(items.filter(isPermitItem).map((item) => [keyIdOf(item), readPermitItem(item)])),
      revocations: readRevocationsItem(items.find((item) => item['sk']?.S === REVOCATIONS)),
    };
  }

  async create({ keys, permits = [] }: NewRows, records: readonly AuditRecord[], deadline: Deadline): Promise<boolean> {
    const puts = [...keys.map(keyItem), ...records.map(recordItem)].map(putIfAbsent(this.#table));
    return this.#transact([...puts, ...permits.map(putPermit(this.#table))], deadline);
  }

  async page(content: ContentName, limit: number, after: KeyId | undefined, deadline: Deadline): Promise<KeyPage> {
    const partition = contentPartition('K', content);
    const [items, { revocations }] = await Promise.all([
      this.#query(
        {
          KeyConditionExpression: after === undefined ? 'pk = :pk' : 'pk = :pk AND sk > :after',
          ExpressionAttributeValues: {
            ':pk': { S: partition },
            ...(after !== undefined && { ':after': { S: after } }),
          },
        },
        limit + 1,
        deadline,
      ),
      this.read(content, [], deadline),
    ]);
    const rows = items.slice(0, limit).map((item) => readKeyItem(content, item));
    const next = rows.at(-1)?.keyId;
    return items.length > limit && next ? { rows, revocations, next } : { rows, revocations };
  }

  async find(tenant: string, keyId: KeyId, deadline: Deadline): Promise<readonly string[]> {
    const prefix = contentPartition('K', { tenant, contentId: '' });
    const items = await this.#query(
      {
        IndexName: BY_KEY_ID,
        ConsistentRead: false,
        KeyConditionExpression: 'kid = :kid',
        ExpressionAttributeValues: { ':kid': { S: `${tenant}#${keyId}` } },
      },
      1_000,
      deadline,
    );
    return items.map((item) => item['pk']?.S?.slice(prefix.length) ?? '');
  }

  async revoke(
    content: ContentName,
    revocations: Revocations,
    records: readonly AuditRecord[],
    deadline: Deadline,
  ): Promise<boolean> {
    const expected = revocations.version - 1;
    const put: TransactWriteItem = {
      Put: {
        TableName: this.#table,
        Item: revocationsItem(content, revocations),
        ...(expected === 0
          ? { ConditionExpression: ABSENT }
          : {
              ConditionExpression: 'version = :expected',
              ExpressionAttributeValues: { ':expected': { N: String(expected) } },
            }),
      },
    };
    return this.#transact([put, ...records.map(recordItem).map(putIfAbsent(this.#table))], deadline);
  }

  async shred(
    keys: readonly (KeyIdentity & { readonly facts: string })[],
    at: number,
    deadline: Deadline,
  ): Promise<void> {
    const rows = new GroupedWrites<Item>({ rows: BATCH_ROWS, writes: SHRED_WRITES_AT_ONCE }, (items, within) =>
      this.#putAll(items, within),
    );
    await rows.add(
      keys.map((key) => shreddedItem(key, at)),
      deadline,
    );
  }

  async getDocument(content: ContentName, deadline: Deadline): Promise<StoredDocument | undefined> {
    return readDocumentItem(await this.#get(contentPartition('D', content), DOCUMENT, deadline));
  }

  async putDocument(
    content: ContentName,
    document: StoredDocument,
    expected: string | null,
    deadline: Deadline,
  ): Promise<boolean> {
    return this.#conditionally('PutItem', deadline, (call) =>
      this.#client.send(
        new PutItemCommand({ TableName: this.#table, Item: documentItem(content, document), ...ifTagged(expected) }),
        call,
      ),
    );
  }

  async deleteDocument(content: ContentName, expected: string, deadline: Deadline): Promise<boolean> {
    const Key = keyOf(contentPartition('D', content), DOCUMENT);
    return this.#conditionally('DeleteItem', deadline, (call) =>
      this.#client.send(new DeleteItemCommand({ TableName: this.#table, Key, ...ifTagged(expected) }), call),
    );
  }

  async getSecret(tenant: string, name: string, deadline: Deadline): Promise<Wrapped | undefined> {
    const item = await this.#get(secretPartition(tenant), name, deadline);
    return item && readWrapped(item);
  }

  async createSecret(tenant: string, name: string, secret: Wrapped, deadline: Deadline): Promise<boolean> {
    const Item = { ...keyOf(secretPartition(tenant), name), ...wrappedAttributes(secret) };
    return this.#putIfAbsent(Item, deadline);
  }

  async openWriter(writer: AuditWriterRow, deadline: Deadline): Promise<void> {
    await this.#put(writerItem(OPEN_WRITERS, writer), deadline);
  }

  async append(records: readonly AuditRecord[], deadline: Deadline): Promise<void> {
    await this.#records.add(records, deadline);
  }

  async fillGap(record: AuditRecord): Promise<AuditRecord> {
    const deadline = Deadline.in(BACKGROUND_MS);
    const item = recordItem(record);
    if (await this.#putIfAbsent(item, deadline)) return record;
    const there = await this.#get(item['pk']?.S ?? '', item['sk']?.S ?? '', deadline);
    return there ? readRecordItem(record.writer, there) : record;
  }

  async markPublished(writer: string, sequence: number, now: number): Promise<void> {
    const deadline = Deadline.in(BACKGROUND_MS);
    const marked = await this.#conditionally('UpdateItem', deadline, (call) =>
      this.#client.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: keyOf(OPEN_WRITERS, writer),
          UpdateExpression: 'SET published = :published, seenAt = :now',
          ConditionExpression: 'published <= :published',
          ExpressionAttributeValues: { ':published': { N: String(sequence) }, ':now': { N: String(now) } },
        }),
        call,
      ),
    );
    if (!marked) await this.#reopen(writer, deadline);
  }

  /** Somebody took a writer for dead that was only slow: what it writes from now on is to be looked after again. */
  async #reopen(writer: string, deadline: Deadline): Promise<void> {
    const ended = await this.#get(ENDED_WRITERS, writer, deadline);
    if (!ended) return;
    const { last: _, closing: __, ...row } = readWriterItem(ended);
    await this.#put(writerItem(OPEN_WRITERS, row), deadline);
    await this.#delete(keyOf(ENDED_WRITERS, writer), deadline);
  }

  async closeWriter(writer: string, last: number, closing?: Buffer): Promise<void> {
    const deadline = Deadline.in(BACKGROUND_MS);
    const open = await this.#get(OPEN_WRITERS, writer, deadline);
    if (!open) return;
    const ended = { ...readWriterItem(open), published: last, last, ...(closing && { closing }) };
    await this.#put(writerItem(ENDED_WRITERS, ended), deadline);
    await this.#delete(keyOf(OPEN_WRITERS, writer), deadline);
  }

  async writers(which: 'open' | 'all'): Promise<readonly AuditWriterRow[]> {
    const partitions = which === 'open' ? [OPEN_WRITERS] : [OPEN_WRITERS, ENDED_WRITERS];
    const found = await Promise.all(
      partitions.map((partition) =>
        this.#query(
          { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: partition } } },
          Infinity,
          Deadline.in(BACKGROUND_MS),
        ),
      ),
    );
    return found.flat().map(readWriterItem);
  }

  async recordsAfter(writer: string, after: number, limit: number): Promise<readonly AuditRecord[]> {
    const shards = await Promise.all(
      Array.from({ length: AUDIT_SHARDS }, (_, shard) =>
        this.#query(
          {
            KeyConditionExpression: 'pk = :pk AND sk > :after',
            ExpressionAttributeValues: {
              ':pk': { S: auditPartition(writer, shard) },
              ':after': { S: sequenceText(after) },
            },
          },
          limit,
          Deadline.in(BACKGROUND_MS),
        ),
      ),
    );
    const records = shards.flat().map((item) => readRecordItem(writer, item));
    return records.sort((a, b) => a.sequence - b.sequence).slice(0, limit);
  }

  async *wrappedRows(): AsyncIterable<WrappedRow> {
    let from: Item | undefined;
    do {
      const page = await this.calls.run('Scan', Deadline.in(BACKGROUND_MS), (call) =>
        this.#client.send(
          new ScanCommand({
            TableName: this.#table,
            FilterExpression: 'attribute_exists(dataKey)',
            ProjectionExpression: 'pk, sk, dataKey',
            ...(from && { ExclusiveStartKey: from }),
          }),
          call,
        ),
      );
      for (const item of page.Items ?? []) {
        const row = readWrappedRow(item, AUDIT_TENANT);
        if (row) yield row;
      }
      from = page.LastEvaluatedKey;
    } while (from);
  }

  async replaceDataKey(row: WrappedRow, encryptedDataKey: Buffer): Promise<boolean> {
    const [partition, sort] = JSON.parse(row.id) as [string, string];
    return this.#conditionally('UpdateItem', Deadline.in(BACKGROUND_MS), (call) =>
      this.#client.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: keyOf(partition, sort),
          UpdateExpression: 'SET dataKey = :new',
          ConditionExpression: 'dataKey = :old',
          ExpressionAttributeValues: { ':new': { B: encryptedDataKey }, ':old': { B: row.encryptedDataKey } },
        }),
        call,
      ),
    );
  }

  /** DynamoDB does it itself. */
  async sweep(): Promise<number> {
    return 0;
  }

  async check(): Promise<boolean> {
    return this.#get('C', 'check', Deadline.in(CHECK_WITHIN_MS)).then(
      () => true,
      () => false,
    );
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  /** False when a row that must not exist does, or somebody else is at the same rows now. */
  async #transact(items: TransactWriteItem[], deadline: Deadline): Promise<boolean> {
    try {
      await this.calls.run(
        'TransactWriteItems',
        deadline,
        (call) =>
          // One token for all attempts: one whose answer was lost is not done twice.
          this.#client.send(
            new TransactWriteItemsCommand({ TransactItems: items, ClientRequestToken: randomUUID() }),
            call,
          ),
        isLostRace,
      );
      return true;
    } catch (error) {
      if (error instanceof Fault) throw error;
      await pause(this.#jitter(20));
      return false;
    }
  }

  async #getAll(keys: Item[], deadline: Deadline): Promise<Item[]> {
    if (keys.length <= BATCH_KEYS) return this.#getBatch(keys, deadline);
    const batches = [keys.slice(0, BATCH_KEYS), keys.slice(BATCH_KEYS)];
    return (await Promise.all(batches.map((batch) => this.#getBatch(batch, deadline)))).flat();
  }

  async #getBatch(keys: Item[], deadline: Deadline): Promise<Item[]> {
    const found: Item[] = [];
    let left = keys;
    for (let round = 0; round < LEFTOVER_ROUNDS; round++) {
      const asked = left;
      const answer = await this.calls.run('BatchGetItem', deadline, (call) =>
        this.#client.send(
          new BatchGetItemCommand({ RequestItems: { [this.#table]: { Keys: asked, ConsistentRead: true } } }),
          call,
        ),
      );
      found.push(...(answer.Responses?.[this.#table] ?? []));
      left = answer.UnprocessedKeys?.[this.#table]?.Keys ?? [];
      if (left.length === 0) return found;
      await pause(this.#jitter(50 * 2 ** round));
    }
    throw new Fault('UNAVAILABLE', 'the key store does not keep up');
  }

  async #putAll(items: readonly Item[], deadline: Deadline): Promise<void> {
    let left = items.map((Item) => ({ PutRequest: { Item } }));
    for (let round = 0; round < LEFTOVER_ROUNDS; round++) {
      const asked = left;
      const answer = await this.calls.run('BatchWriteItem', deadline, (call) =>
        this.#client.send(new BatchWriteItemCommand({ RequestItems: { [this.#table]: asked } }), call),
      );
      left = (answer.UnprocessedItems?.[this.#table] ?? []) as typeof left;
      if (left.length === 0) return;
      await pause(this.#jitter(50 * 2 ** round));
    }
    throw new Fault('UNAVAILABLE', 'the key store does not keep up');
  }

  async #query(query: Partial<QueryCommandInput>, limit: number, deadline: Deadline): Promise<Item[]> {
    const found: Item[] = [];
    let from: Item | undefined;
    do {
      const page = await this.calls.run('Query', deadline, (call) =>
        this.#client.send(
          new QueryCommand({
            TableName: this.#table,
            ConsistentRead: true,
            ...query,
            ...(Number.isFinite(limit) && { Limit: limit - found.length }),
            ...(from && { ExclusiveStartKey: from }),
          }),
          call,
        ),
      );
      found.push(...(page.Items ?? []));
      from = page.LastEvaluatedKey;
    } while (from && found.length < limit);
    return found;
  }

  async #get(partition: string, sort: string, deadline: Deadline): Promise<Item | undefined> {
    const answer = await this.calls.run('GetItem', deadline, (call) =>
      this.#client.send(
        new GetItemCommand({ TableName: this.#table, Key: keyOf(partition, sort), ConsistentRead: true }),
        call,
      ),
    );
    return answer.Item;
  }

  async #put(item: Item, deadline: Deadline): Promise<void> {
    await this.calls.run('PutItem', deadline, (call) =>
      this.#client.send(new PutItemCommand({ TableName: this.#table, Item: item }), call),
    );
  }

  async #delete(key: Item, deadline: Deadline): Promise<void> {
    await this.calls.run('DeleteItem', deadline, (call) =>
      this.#client.send(new DeleteItemCommand({ TableName: this.#table, Key: key }), call),
    );
  }

  #putIfAbsent(item: Item, deadline: Deadline): Promise<boolean> {
    return this.#conditionally('PutItem', deadline, (call) =>
      this.#client.send(new PutItemCommand({ TableName: this.#table, Item: item, ConditionExpression: ABSENT }), call),
    );
  }

  /** False when the condition did not hold. */
  async #conditionally(
    operation: string,
    deadline: Deadline,
    call: (options: { abortSignal: AbortSignal }) => Promise<unknown>,
  ): Promise<boolean> {
    try {
      await this.calls.run(operation, deadline, call, (error) => isNamed(error, 'ConditionalCheckFailedException'));
      return true;
    } catch (error) {
      if (error instanceof Fault) throw error;
      return false;
    }
  }

  /** Between half of it and all. */
  #jitter(ms: number): number {
    return ms * (0.5 + this.#random() / 2);
  }
}

function putIfAbsent(table: string): (item: Item) => TransactWriteItem {
  return (Item) => ({ Put: { TableName: table, Item, ConditionExpression: ABSENT } });
}

/** Absent, or what is left of a key that was there before under the same ID. */
function putPermit(table: string): (permit: DeliveryPermit) => TransactWriteItem {
  return (permit) => ({
    Put: {
      TableName: table,
      Item: permitItem(permit),
      ConditionExpression: `${ABSENT} OR #ttl <= :now`,
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      ExpressionAttributeValues: { ':now': { N: String(Math.floor(permit.permittedAt / 1_000)) } },
    },
  });
}

function ifTagged(expected: string | null) {
  return expected === null
    ? { ConditionExpression: ABSENT }
    : { ConditionExpression: 'etag = :expected', ExpressionAttributeValues: { ':expected': { S: expected } } };
}

/** Cancelled because somebody was first or is at it now; not because DynamoDB would not take it. */
function isLostRace(error: unknown): boolean {
  if (isNamed(error, 'TransactionInProgressException', 'TransactionConflictException')) return true;
  if (!isNamed(error, 'TransactionCanceledException')) return false;
  const { CancellationReasons = [] } = error as { CancellationReasons?: { Code?: string }[] };
  const codes = CancellationReasons.map(({ Code }) => Code).filter((code) => code !== 'None');
  return codes.length > 0 && codes.every((code) => code === 'ConditionalCheckFailed' || code === 'TransactionConflict');
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
