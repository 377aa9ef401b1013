import { BatchGetItemCommand, PutItemCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import type { KeyId } from '@latchkey/cenc';
import { open } from 'lmdb';
import { dynamoDbClient } from './stores';

export type Attribute = string | number | Buffer;
export type Attributes = Record<string, Attribute>;

/** A key, or the permit that lies under the same ID. */
export type RowKind = 'K' | 'P';

/** Whoever can write where keys lie. */
export interface RowTamperer {
  /** What lies beside a key ID: all that could be altered. */
  read(contentId: string, keyId: KeyId, kind?: RowKind): Promise<Attributes>;
  write(contentId: string, keyId: KeyId, attributes: Attributes, kind?: RowKind): Promise<void>;
  close(): Promise<void>;
}

const TENANT = 'default';

export function tamperWithDynamoDb(endpoint: string, table: string): RowTamperer {
  const client = dynamoDbClient(endpoint, {});
  const key = (kind: RowKind, contentId: string, keyId: KeyId) => ({
    pk: { S: `${kind}#${TENANT}#${contentId}` },
    sk: { S: keyId },
  });
  return {
    read: async (contentId, keyId, kind = 'K') => {
      const answer = await client.send(
        new BatchGetItemCommand({ RequestItems: { [table]: { Keys: [key(kind, contentId, keyId)] } } }),
      );
      const { pk: _, sk: __, ...rest } = answer.Responses?.[table]?.[0] ?? {};
      return Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, fromAttribute(value)]));
    },
    write: async (contentId, keyId, attributes, kind = 'K') => {
      const written = Object.entries(attributes).map(([name, value]) => [name, toAttribute(value)] as const);
      const Item = { ...Object.fromEntries(written), ...key(kind, contentId, keyId) };
      await client.send(new PutItemCommand({ TableName: table, Item }));
    },
    close: async () => client.destroy(),
  };
}

function fromAttribute(value: AttributeValue): Attribute {
  if (value.N !== undefined) return Number(value.N);
  return value.S ?? Buffer.from(value.B ?? []);
}

function toAttribute(value: Attribute): AttributeValue {
  if (typeof value === 'number') return { N: String(value) };
  return typeof value === 'string' ? { S: value } : { B: value };
}

const FIELDS = { K: ['format', 'facts', 'dataKey', 'box'], P: ['format', 'expiresAt', 'dataKey', 'box'] };

export function tamperWithEmbedded(path: string): RowTamperer {
  const database = open<unknown, Buffer>({ path, keyEncoding: 'binary', encoding: 'msgpack' });
  const key = (kind: RowKind, contentId: string, keyId: KeyId) =>
    Buffer.from(`${kind}${TENANT}#${Buffer.byteLength(contentId)}#${contentId}${keyId}`);
  return {
    read: async (contentId, keyId, kind = 'K') => {
      const value = database.get(key(kind, contentId, keyId)) as (Attribute | null)[];
      const named = value.map((each, at) => [FIELDS[kind][at], each] as const);
      return Object.fromEntries(named.filter(([, each]) => each !== null)) as Attributes;
    },
    write: async (contentId, keyId, attributes, kind = 'K') => {
      await database.put(
        key(kind, contentId, keyId),
        FIELDS[kind].map((name) => attributes[name] ?? null),
      );
    },
    close: () => database.close(),
  };
}

/** Every way to alter one row: bits, lengths, absence. Each with its name. */
export function alterations(attributes: Attributes): [name: string, altered: Attributes][] {
  return Object.entries(attributes).flatMap(([name, value]) => [
    ...flips(value).map((flipped, n): [string, Attributes] => [
      `${name}: bit ${n}`,
      { ...attributes, [name]: flipped },
    ]),
    ...cuts(value).map((cut, n): [string, Attributes] => [`${name}: cut ${n}`, { ...attributes, [name]: cut }]),
    [`${name}: removed`, Object.fromEntries(Object.entries(attributes).filter(([other]) => other !== name))] as const,
  ]) as [string, Attributes][];
}

/** One bit in every fifth place or so. */
function flips(value: Attribute): Attribute[] {
  if (typeof value === 'number') return [value + 1, -value];
  if (typeof value === 'string') return places(value.length).map((at) => flippedText(value, at));
  return places(value.length).map((at) => {
    const flipped = Buffer.from(value);
    flipped[at]! ^= 1 << (at % 8);
    return flipped;
  });
}

function flippedText(text: string, at: number): string {
  return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
}

function cuts(value: Attribute): Attribute[] {
  return typeof value === 'number' ? [] : [value.slice(0, -1), value.slice(1), value.slice(0, 1)];
}

function places(length: number): number[] {
  return Array.from({ length }, (_, at) => at).filter((at) => at % 5 === 0 || at === length - 1);
}
