import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { isKeyId, type KeyId } from '@latchkey/cenc';
import { Fault } from '@latchkey/messages';
import type { AuditRecord, AuditWriterRow } from '../audit/audit-log';
import type { StoredDocument, WrappedRow } from './key-store';
import {
  KEY_FORMAT,
  NOTHING_REVOKED,
  readFacts,
  type ContentName,
  type DeliveryPermit,
  type KeyFacts,
  type KeyIdentity,
  type KeyRow,
  type Revocations,
  type StoredKey,
  type StoredPermit,
  type Wrapped,
} from './stored-key';

export type Item = Record<string, AttributeValue>;

/**
 * The one table's rows. The first letter of a partition key says what is in it, so that an IAM policy can tell them apart by
 * `dynamodb:LeadingKeys`; a tenant's name has no `#`, so that what follows the second one is the content ID, whatever is in it.
 */
export function contentPartition(kind: 'K' | 'P' | 'R' | 'D', { tenant, contentId }: ContentName): string {
  return `${kind}#${tenant}#${contentId}`;
}

export function secretPartition(tenant: string): string {
  return `S#${tenant}`;
}

/** A writer's records lie in several partitions: one takes a thousand writes a second. */
export const AUDIT_SHARDS = 8;

export function auditPartition(writer: string, shard: number): string {
  return `A#${writer}#${shard}`;
}

export const OPEN_WRITERS = 'W#open';
export const ENDED_WRITERS = 'W#ended';

export function keyOf(partition: string, sort: string): Item {
  return { pk: { S: partition }, sk: { S: sort } };
}

export function keyItem(key: StoredKey): Item {
  return {
    ...keyBase(key, key.facts),
    dataKey: { B: key.wrapped.encryptedDataKey },
    box: { B: key.wrapped.box },
  };
}

export function shreddedItem(key: KeyIdentity & { readonly facts: string }, at: number): Item {
  return { ...keyBase(key, key.facts), shreddedAt: { N: String(at) } };
}

export function permitItem({ wrapped, expiresAt, ...identity }: DeliveryPermit): Item {
  const ttl = timeToLive(expiresAt);
  return {
    ...keyOf(contentPartition('P', identity), identity.keyId),
    ...wrappedAttributes(wrapped),
    ...(ttl !== undefined && { ttl: { N: ttl } }),
  };
}

export function readPermitItem(item: Item): StoredPermit {
  const ttl = item['ttl']?.N;
  return { wrapped: readWrapped(item), ...(ttl !== undefined && { expiresAt: Number(ttl) * 1_000 }) };
}

function keyBase(key: KeyIdentity, facts: string): Item {
  const ttl = timeToLive(readFacts({ facts }).expiresAt);
  return {
    ...keyOf(contentPartition('K', key), key.keyId),
    format: { N: String(KEY_FORMAT) },
    kid: { S: `${key.tenant}#${key.keyId}` },
    facts: { S: facts },
    ...(ttl !== undefined && { ttl: { N: ttl } }),
  };
}

/** What lies beside the authenticated text must agree with it: an index or a time to live that was altered shows. */
export function readKeyItem(content: ContentName, item: Item): KeyRow {
  const keyId = keyIdOf(item);
  const identity = { tenant: content.tenant, contentId: content.contentId, keyId };
  const facts = item['facts']?.S;
  if (item['format']?.N !== String(KEY_FORMAT) || facts === undefined) return { state: 'damaged', ...identity };
  if (item['kid']?.S !== `${content.tenant}#${keyId}` || !ttlAgrees(facts, item))
    return { state: 'damaged', ...identity };
  const wrapped = readWrapped(item);
  if (wrapped) return { state: 'kept', ...identity, facts, wrapped };
  const shreddedAt = Number(item['shreddedAt']?.N);
  return shreddedAt > 0 ? { state: 'shredded', ...identity, facts, shreddedAt } : { state: 'damaged', ...identity };
}

function ttlAgrees(facts: string, item: Item): boolean {
  try {
    return timeToLive(readFacts({ facts }).expiresAt) === item['ttl']?.N;
  } catch {
    return false;
  }
}

/** Whole seconds, not before the key has expired. */
function timeToLive(expiresAt: KeyFacts['expiresAt']): string | undefined {
  return expiresAt === undefined ? undefined : String(Math.ceil(expiresAt / 1_000));
}

export function isKeyItem(item: Item): boolean {
  return item['pk']?.S?.startsWith('K#') === true && isKeyId(item['sk']?.S);
}

export function isPermitItem(item: Item): boolean {
  return item['pk']?.S?.startsWith('P#') === true;
}

export function keyIdOf(item: Item): KeyId {
  return item['sk']?.S as KeyId;
}

export function wrappedAttributes({ encryptedDataKey, box }: Wrapped): Item {
  return { dataKey: { B: encryptedDataKey }, box: { B: box } };
}

export function readWrapped(item: Item): Wrapped | undefined {
  const dataKey = item['dataKey']?.B;
  const box = item['box']?.B;
  return dataKey && box ? { encryptedDataKey: asBuffer(dataKey), box: asBuffer(box) } : undefined;
}

export function recordItem({ writer, sequence, body, mac }: AuditRecord): Item {
  return {
    ...keyOf(auditPartition(writer, sequence % AUDIT_SHARDS), sequenceText(sequence)),
    body: { S: body },
    mac: { B: mac },
  };
}

export function sequenceText(sequence: number): string {
  return String(sequence).padStart(16, '0');
}

export function readRecordItem(writer: string, item: Item): AuditRecord {
  return {
    writer,
    sequence: Number(item['sk']?.S),
    body: item['body']?.S ?? '',
    mac: asBuffer(item['mac']?.B),
  };
}

export function writerItem(partition: string, row: AuditWriterRow): Item {
  return {
    ...keyOf(partition, row.writer),
    dataKey: { B: row.encryptedDataKey },
    published: { N: String(row.published) },
    seenAt: { N: String(row.seenAt) },
    ...(row.last !== undefined && { last: { N: String(row.last) } }),
    ...(row.closing && { closing: { B: row.closing } }),
  };
}

export function readWriterItem(item: Item): AuditWriterRow {
  return {
    writer: item['sk']?.S ?? '',
    encryptedDataKey: asBuffer(item['dataKey']?.B),
    published: Number(item['published']?.N),
    seenAt: Number(item['seenAt']?.N),
    ...(item['last'] && { last: Number(item['last'].N) }),
    ...(item['closing'] && { closing: asBuffer(item['closing'].B) }),
  };
}

export function revocationsItem(content: ContentName, revocations: Revocations): Item {
  return {
    ...keyOf(contentPartition('R', content), REVOCATIONS),
    version: { N: String(revocations.version) },
    body: { S: JSON.stringify(revocations) },
  };
}

export const REVOCATIONS = 'revocations';

/** Throws Fault TAMPERED: a row that says nothing must not mean that nothing is revoked. */
export function readRevocationsItem(item: Item | undefined): Revocations {
  if (!item) return NOTHING_REVOKED;
  try {
    return JSON.parse(item['body']?.S ?? '') as Revocations;
  } catch (cause) {
    throw new Fault('TAMPERED', 'what is revoked of a content does not parse', { cause });
  }
}

export const DOCUMENT = 'document';

export function documentItem(content: ContentName, { spekeVersion, document, etag }: StoredDocument): Item {
  return {
    ...keyOf(contentPartition('D', content), DOCUMENT),
    spekeVersion: { S: spekeVersion },
    document: { S: document },
    etag: { S: etag },
  };
}

export function readDocumentItem(item: Item | undefined): StoredDocument | undefined {
  if (!item) return undefined;
  const { spekeVersion, document, etag } = item;
  return { spekeVersion: spekeVersion?.S ?? '', document: document?.S ?? '', etag: etag?.S ?? '' };
}

/** By the letter of its partition. */
export function readWrappedRow(item: Item, auditTenant: string): WrappedRow | undefined {
  const [partition = '', sort = ''] = [item['pk']?.S, item['sk']?.S];
  const dataKey = item['dataKey']?.B;
  const purpose = PURPOSES[partition.slice(0, 1)];
  if (!dataKey || !purpose) return undefined;
  const tenant = purpose === 'audit' ? auditTenant : (partition.split('#')[1] ?? '');
  return { id: JSON.stringify([partition, sort]), tenant, purpose, encryptedDataKey: asBuffer(dataKey) };
}

const PURPOSES: Readonly<Record<string, WrappedRow['purpose']>> = {
  K: 'content-key',
  P: 'content-key',
  S: 'secret',
  W: 'audit',
};

function asBuffer(bytes: Uint8Array | undefined): Buffer {
  return bytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : Buffer.alloc(0);
}
