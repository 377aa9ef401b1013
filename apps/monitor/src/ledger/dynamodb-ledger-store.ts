import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  GetItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  type AttributeValue,
  type DynamoDBClient,
  type QueryCommandInput,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import { NO_RECORD, type ChainHead, type LedgerRecord } from './ledger-record';
import type { Commit, Found, IndexedRecord, IndexPage, LedgerStore, Place, WriterCount } from './ledger-store';

export type Item = Record<string, AttributeValue>;

/** Records of a chain that share a partition. */
const BUCKET = 10_000;
const HEADS = 'heads';
const WRITERS = 'writers';
const GET_AT_ONCE = 100;
const WRITE_AT_ONCE = 25;

/**
 * The ledger in one DynamoDB table: `pk` and `sk`, no index of DynamoDB's own, so that every read is consistent.
 *
 * chain:<chain>:<bucket> | <index>    a record
 * event:<event id>       | -          where its record is: what makes an event one for ever
 * find:<index>:<chain>:<value> | <time>#<event id>   a place in an index
 * heads | <chain>, writers | <writer>#<chain>
 *
 * Places are written before the record that they lead to, outside its transaction: one that leads to nothing is passed
 * over, and becomes right when the event is delivered again.
 */
export class DynamoDbLedgerStore implements LedgerStore {
  /** A transaction takes 100 items: two for each record, its writer's count, and the head. */
  readonly maxCommit = 30;

  constructor(
    private readonly client: DynamoDBClient,
    private readonly table: string,
  ) {}

  async head(chain: string): Promise<ChainHead> {
    const Key = key(HEADS, chain);
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.table, Key, ConsistentRead: true }));
    return Item ? readHead(Item) : NO_RECORD;
  }

  async recorded(ids: readonly string[]): Promise<Set<string>> {
    const markers = await this.getAll([...new Set(ids)].map((id) => key(`event:${id}`, '-')));
    return new Set(markers.map(idIn));
  }

  async writerCounts(chain: string, writers: readonly string[]): Promise<Map<string, WriterCount>> {
    const items = await this.getAll(writers.map((writer) => key(WRITERS, `${writer}#${chain}`)));
    return new Map(items.map(readWriter).map((count) => [count.writer, count]));
  }

  async commit(commit: Commit): Promise<boolean> {
    await this.putAll(commit.records.flatMap((record) => placesOf(commit.chain, record)));
    try {
      await this.client.send(new TransactWriteItemsCommand({ TransactItems: this.transaction(commit) }));
      return true;
    } catch (error) {
      if (isOvertaken(error)) return false;
      throw error;
    }
  }

  private transaction({ chain, expected, records, writers }: Commit): TransactWriteItem[] {
    const last = records.at(-1)?.record ?? expected;
    const put = (Item: Item) => ({ Put: { TableName: this.table, Item } });
    const create = (Item: Item) => ({
      Put: { TableName: this.table, Item, ConditionExpression: 'attribute_not_exists(pk)' },
    });
    return [
      { Put: { TableName: this.table, Item: headItem(chain, last), ...standsAt(expected) } },
      ...records.flatMap(({ record, id }) => [create(recordItem(record)), create(markerItem(id, record))]),
      ...writers.map((count) => put(writerItem(count))),
    ];
  }

  async find(page: IndexPage): Promise<Found[]> {
    const found: Found[] = [];
    for await (const places of this.places(page)) {
      found.push(...(await this.recordsAt(places)));
      if (found.length >= page.limit) return found.slice(0, page.limit);
    }
    return found;
  }

  /** The most recent first, by pages. */
  private async *places({
    chain,
    key: { index, value },
    from = '',
    to,
    after,
    limit,
  }: IndexPage): AsyncGenerator<Place[]> {
    const newest = after ? `${after.time}#${after.id}` : `${to ?? ''}${LAST}`;
    const range = { low: `${from}`, high: newest };
    for await (const items of this.query(`find:${index}:${chain}:${value}`, range, {
      ScanIndexForward: false,
      Limit: limit + 1,
    })) {
      const places = items.map((item) => readPlace(text(item['sk'])));
      yield places.filter(({ id, time }) => !after || id !== after.id || time !== after.time);
    }
  }

  private async recordsAt(places: readonly Place[]): Promise<Found[]> {
    const records = await this.located(places.map(({ id }) => id));
    return places.flatMap((place) => {
      const record = records.get(place.id);
      return record ? [{ place, record }] : [];
    });
  }

  async byIds(ids: readonly string[]): Promise<LedgerRecord[]> {
    return [...(await this.located(ids)).values()];
  }

  private async located(ids: readonly string[]): Promise<Map<string, LedgerRecord>> {
    const markers = await this.getAll([...new Set(ids)].map((id) => key(`event:${id}`, '-')));
    const keys = markers.map((item) => recordKey(text(item['chain']), number(item['index'])));
    const records = new Map((await this.getAll(keys)).map(readRecord).map((record) => [placeOf(record), record]));
    return new Map(
      markers.flatMap((item) => {
        const record = records.get(placeOf({ chain: text(item['chain']), index: number(item['index']) }));
        return record ? [[idIn(item), record]] : [];
      }),
    );
  }

  async back(chain: string, index: number, limit: number): Promise<LedgerRecord[]> {
    const found: LedgerRecord[] = [];
    for (let bucket = Math.floor(index / BUCKET); bucket >= 0 && found.length < limit; bucket--) {
      const options = { ScanIndexForward: false, Limit: limit - found.length };
      const range = { low: indexText(0), high: indexText(index) };
      for await (const items of this.query(`chain:${chain}:${bucket}`, range, options)) {
        found.push(...items.map(readRecord));
        if (found.length >= limit) break;
      }
    }
    return found.slice(0, limit);
  }

  async *walk(chain: string, from = 1): AsyncGenerator<LedgerRecord> {
    const { index: last } = await this.head(chain);
    for (let bucket = Math.floor(from / BUCKET); bucket <= Math.floor(last / BUCKET); bucket++) {
      for await (const items of this.query(`chain:${chain}:${bucket}`, { low: indexText(from), high: LAST })) {
        yield* items.map(readRecord);
      }
    }
  }

  async chains(): Promise<Map<string, ChainHead>> {
    const heads = new Map<string, ChainHead>();
    for await (const items of this.query(HEADS)) for (const item of items) heads.set(text(item['sk']), readHead(item));
    return heads;
  }

  async *writers(): AsyncGenerator<WriterCount> {
    for await (const items of this.query(WRITERS)) yield* items.map(readWriter);
  }

  async healthy(): Promise<boolean> {
    await this.head('-');
    return true;
  }

  async close(): Promise<void> {
    // The client is whoever made it's to end.
  }

  private async *query(
    partition: string,
    { low, high }: { low: string; high: string } = { low: ' ', high: LAST },
    options: Partial<QueryCommandInput> = {},
  ): AsyncGenerator<Item[]> {
    let ExclusiveStartKey: Item | undefined;
    do {
      const answer = await this.client.send(
        new QueryCommand({
          TableName: this.table,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :low AND :high',
          ExpressionAttributeValues: { ':pk': { S: partition }, ':low': { S: low || ' ' }, ':high': { S: high } },
          ...options,
          ExclusiveStartKey,
        }),
      );
      yield answer.Items ?? [];
      ExclusiveStartKey = answer.LastEvaluatedKey;
    } while (ExclusiveStartKey);
  }

  private async getAll(keys: readonly Item[]): Promise<Item[]> {
    const found: Item[] = [];
    const left = [...keys];
    while (left.length > 0) {
      const Keys = left.splice(0, GET_AT_ONCE);
      const RequestItems = { [this.table]: { Keys, ConsistentRead: true } };
      const answer = await this.client.send(new BatchGetItemCommand({ RequestItems }));
      found.push(...(answer.Responses?.[this.table] ?? []));
      left.push(...(answer.UnprocessedKeys?.[this.table]?.Keys ?? []));
    }
    return found;
  }

  private async putAll(items: readonly Item[]): Promise<void> {
    for (let left = items.map((Item) => ({ PutRequest: { Item } })); left.length > 0;) {
      const RequestItems = { [this.table]: left.slice(0, WRITE_AT_ONCE) };
      const answer = await this.client.send(new BatchWriteItemCommand({ RequestItems }));
      const unprocessed = (answer.UnprocessedItems?.[this.table] ?? []) as typeof left;
      left = [...left.slice(WRITE_AT_ONCE), ...unprocessed];
    }
  }
}

/** Sorts behind every text of a key. */
const LAST = '\uffff';

const text = (value: AttributeValue | undefined): string => value?.S ?? '';
const number = (value: AttributeValue | undefined): number => Number(value?.N);
const n = (value: number): AttributeValue => ({ N: String(value) });

function key(partition: string, sort: string): Item {
  return { pk: { S: partition }, sk: { S: sort } };
}

function indexText(index: number): string {
  return String(index).padStart(12, '0');
}

export function recordKey(chain: string, index: number): Item {
  return key(`chain:${chain}:${Math.floor(index / BUCKET)}`, indexText(index));
}

function recordItem({ chain, index, previous, hash, body }: LedgerRecord): Item {
  const link = { chain: { S: chain }, index: n(index), previous: { S: previous }, hash: { S: hash } };
  return { ...recordKey(chain, index), ...link, body: { S: body } };
}

/** Where the record lies counts, not what it says of that. */
function readRecord(item: Item): LedgerRecord {
  const chain = /^chain:(.*):\d+$/.exec(text(item['pk']))?.[1] ?? '';
  const index = Number(text(item['sk']));
  return { chain, index, previous: text(item['previous']), hash: text(item['hash']), body: text(item['body']) };
}

function placeOf({ chain, index }: Pick<LedgerRecord, 'chain' | 'index'>): string {
  return `${chain} ${index}`;
}

function idIn(marker: Item): string {
  return text(marker['pk']).slice('event:'.length);
}

function markerItem(id: string, { chain, index }: LedgerRecord): Item {
  return { ...key(`event:${id}`, '-'), chain: { S: chain }, index: n(index) };
}

function placesOf(chain: string, { id, time, keys }: IndexedRecord): Item[] {
  return keys.map(({ index, value }) => key(`find:${index}:${chain}:${value}`, `${time}#${id}`));
}

function readPlace(sort: string): Place {
  const at = sort.indexOf('#');
  return { time: sort.slice(0, at), id: sort.slice(at + 1) };
}

function headItem(chain: string, { index, hash }: ChainHead): Item {
  return { ...key(HEADS, chain), index: n(index), hash: { S: hash } };
}

function readHead(item: Item): ChainHead {
  return { index: number(item['index']), hash: text(item['hash']) };
}

function standsAt({ index, hash }: ChainHead) {
  if (index === NO_RECORD.index) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return {
    ConditionExpression: '#index = :index AND #hash = :hash',
    ExpressionAttributeNames: { '#index': 'index', '#hash': 'hash' },
    ExpressionAttributeValues: { ':index': n(index), ':hash': { S: hash } },
  };
}

function writerItem({ writer, chain, first, last, count }: WriterCount): Item {
  return { ...key(WRITERS, `${writer}#${chain}`), first: n(first), last: n(last), count: n(count) };
}

function readWriter(item: Item): WriterCount {
  const name = text(item['sk']);
  const at = name.lastIndexOf('#');
  const counts = { first: number(item['first']), last: number(item['last']), count: number(item['count']) };
  return { writer: name.slice(0, at), chain: name.slice(at + 1), ...counts };
}

/** Another commit was there first, or is under way. */
function isOvertaken(error: unknown): boolean {
  if (!(error instanceof TransactionCanceledException)) return false;
  const reasons = error.CancellationReasons?.map(({ Code }) => Code) ?? [];
  return reasons.some((code) => code === 'ConditionalCheckFailed' || code === 'TransactionConflict');
}
