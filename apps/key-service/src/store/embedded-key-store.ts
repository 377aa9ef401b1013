import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { Deadline } from '@latchkey/bus';
import type { KeyId } from '@latchkey/cenc';
import { open, type RootDatabase } from 'lmdb';
import { AUDIT_TENANT, type AuditRecord, type AuditWriterRow } from '../audit/audit-log';
import type { ContentRows, KeyPage, KeyStore, NewRows, StoredDocument, WrappedRow } from './key-store';
import {
  KEY_FORMAT,
  NOTHING_REVOKED,
  readFacts,
  type ContentName,
  type DeliveryPermit,
  type KeyIdentity,
  type KeyRow,
  type Revocations,
  type StoredKey,
  type StoredPermit,
  type Wrapped,
} from './stored-key';

/**
 * The store of one machine: LMDB in a directory of its own. A write is flushed to the disk before its promise resolves, and
 * writes of concurrent requests share one commit, so it is durable against kill -9 and power failure alike.
 *
 * Its keys are bytes, each kind under a letter; a content ID is preceded by its length, so that no two contents share a
 * prefix.
 */
export function openEmbeddedKeyStore(directory: string): KeyStore {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return new EmbeddedKeyStore(
    open<unknown, Buffer>({
      path: directory,
      keyEncoding: 'binary',
      encoding: 'msgpack',
      // Resolve when flushed, not when visible.
      overlappingSync: false,
    }),
  );
}

type KeyValue = [
  format: number,
  facts: string,
  encryptedDataKey: Buffer | null,
  box: Buffer | null,
  shreddedAt?: number,
];
type PermitValue = [format: number, expiresAt: number | null, encryptedDataKey: Buffer, box: Buffer];
type RecordValue = [body: string, mac: Buffer];

class EmbeddedKeyStore implements KeyStore {
  readonly name = 'embedded';

  constructor(private readonly database: RootDatabase<unknown, Buffer>) {}

  async read(
    content: ContentName,
    keyIds: readonly KeyId[],
    _: Deadline,
    permitsOf: readonly KeyId[] = [],
  ): Promise<ContentRows> {
    const prefix = prefixText('K', content);
    const rows = new Map<KeyId, KeyRow>();
    for (const keyId of keyIds) {
      const value = this.database.get(Buffer.from(prefix + keyId));
      if (value !== undefined) rows.set(keyId, readRow({ ...content, keyId }, value));
    }
    return { rows, permits: this.#permits(content, permitsOf), revocations: this.#revocations(content) };
  }

  async create({ keys, permits = [] }: NewRows, records: readonly AuditRecord[]): Promise<boolean> {
    return this.database.transaction(() => {
      if (keys.some((key) => this.database.doesExist(rowKey(key)))) return false;
      if (permits.some((permit) => this.#isPermitted(permit))) return false;
      for (const key of keys) this.#putKey(key);
      for (const permit of permits) this.#putPermit(permit);
      for (const record of records) this.#putRecord(record);
      return true;
    });
  }

  async page(content: ContentName, limit: number, after: KeyId | undefined): Promise<KeyPage> {
    const prefix = contentPrefix('K', content);
    const start = after === undefined ? prefix : Buffer.concat([prefix, Buffer.from(after), Buffer.from([0])]);
    const entries = [...this.database.getRange({ start, end: past(prefix), limit: limit + 1 })];
    const rows = entries.slice(0, limit).map(({ key, value }) => {
      const keyId = key.subarray(prefix.length).toString() as KeyId;
      return readRow({ ...content, keyId }, value);
    });
    const page = { rows, revocations: this.#revocations(content) };
    return entries.length > limit ? { ...page, next: rows.at(-1)!.keyId } : page;
  }

  async find(tenant: string, keyId: KeyId): Promise<readonly string[]> {
    const prefix = Buffer.from(`I${tenant}#${keyId}#`);
    const found = this.database.getKeys({ start: prefix, end: past(prefix) });
    return [...found].map((key) => this.database.get(key) as string);
  }

  async revoke(content: ContentName, revocations: Revocations, records: readonly AuditRecord[]): Promise<boolean> {
    return this.database.transaction(() => {
      if (this.#revocations(content).version !== revocations.version - 1) return false;
      void this.database.put(contentPrefix('R', content), JSON.stringify(revocations));
      for (const record of records) this.#putRecord(record);
      return true;
    });
  }

  async shred(keys: readonly (KeyIdentity & { readonly facts: string })[], at: number): Promise<void> {
    await Promise.all(
      keys.map((key) => this.database.put(rowKey(key), [KEY_FORMAT, key.facts, null, null, at] satisfies KeyValue)),
    );
  }

  async getDocument(content: ContentName): Promise<StoredDocument | undefined> {
    return this.database.get(contentPrefix('D', content)) as StoredDocument | undefined;
  }

  async putDocument(content: ContentName, document: StoredDocument, expected: string | null): Promise<boolean> {
    const key = contentPrefix('D', content);
    return this.database.transaction(() => {
      const there = this.database.get(key) as StoredDocument | undefined;
      if ((there?.etag ?? null) !== expected) return false;
      void this.database.put(key, document);
      return true;
    });
  }

  async deleteDocument(content: ContentName, expected: string): Promise<boolean> {
    const key = contentPrefix('D', content);
    return this.database.transaction(() => {
      if ((this.database.get(key) as StoredDocument | undefined)?.etag !== expected) return false;
      void this.database.remove(key);
      return true;
    });
  }

  async getSecret(tenant: string, name: string): Promise<Wrapped | undefined> {
    const value = this.database.get(secretKey(tenant, name)) as [Buffer, Buffer] | undefined;
    return value && { encryptedDataKey: value[0], box: value[1] };
  }

  async createSecret(tenant: string, name: string, secret: Wrapped): Promise<boolean> {
    const key = secretKey(tenant, name);
    return this.database.transaction(() => {
      if (this.database.doesExist(key)) return false;
      void this.database.put(key, [secret.encryptedDataKey, secret.box]);
      return true;
    });
  }

  async openWriter(writer: AuditWriterRow): Promise<void> {
    await this.database.put(writerKey(writer.writer), writer);
  }

  async append(records: readonly AuditRecord[]): Promise<void> {
    await Promise.all(records.map((record) => this.#putRecord(record)));
  }

  async fillGap(record: AuditRecord): Promise<AuditRecord> {
    return this.database.transaction(() => {
      const there = this.database.get(recordKey(record.writer, record.sequence)) as RecordValue | undefined;
      if (there) return { ...record, body: there[0], mac: there[1] };
      void this.#putRecord(record);
      return record;
    });
  }

  async markPublished(writer: string, sequence: number, now: number): Promise<void> {
    // One that was taken for ended, and was only slow, is open again.
    await this.#changeWriter(writer, ({ encryptedDataKey, published }) => ({
      writer,
      encryptedDataKey,
      published: Math.max(published, sequence),
      seenAt: now,
    }));
  }

  async closeWriter(writer: string, last: number, closing?: Buffer): Promise<void> {
    await this.#changeWriter(writer, (row) => ({ ...row, published: last, last, ...(closing && { closing }) }));
  }

  async writers(which: 'open' | 'all'): Promise<readonly AuditWriterRow[]> {
    const prefix = Buffer.from('W');
    const rows = [...this.database.getRange({ start: prefix, end: past(prefix) })].map(
      ({ value }) => value as AuditWriterRow,
    );
    return which === 'all' ? rows : rows.filter(({ last }) => last === undefined);
  }

  async recordsAfter(writer: string, after: number, limit: number): Promise<readonly AuditRecord[]> {
    const start = recordKey(writer, after + 1);
    const end = past(Buffer.from(`A${writer}#`));
    return [...this.database.getRange({ start, end, limit })].map(({ key, value }) => {
      const [body, mac] = value as RecordValue;
      return { writer, sequence: Number(key.subarray(-16).toString()), body, mac };
    });
  }

  async *wrappedRows(): AsyncIterable<WrappedRow> {
    for (const { key, value } of this.database.getRange({})) {
      const row = wrappedRow(key, value);
      if (row) yield row;
    }
  }

  async replaceDataKey(row: WrappedRow, encryptedDataKey: Buffer): Promise<boolean> {
    const key = Buffer.from(row.id, 'base64');
    return this.database.transaction(() => {
      const value = this.database.get(key);
      const there = wrappedRow(key, value);
      if (!there?.encryptedDataKey.equals(row.encryptedDataKey)) return false;
      void this.database.put(key, withDataKey(row.purpose, value, encryptedDataKey));
      return true;
    });
  }

  async sweep(now: number): Promise<number> {
    const range = { start: Buffer.from('T'), end: expiryKey(now, Buffer.alloc(0)), limit: 1_000 };
    const due = [...this.database.getRange(range)];
    await this.database.transaction(() => {
      for (const { key, value } of due) {
        const row = value as Buffer;
        void this.database.remove(key);
        void this.database.remove(row);
      }
    });
    return due.length;
  }

  async check(): Promise<boolean> {
    this.database.get(Buffer.from('C'));
    return true;
  }

  async close(): Promise<void> {
    await this.database.close();
  }

  #putKey(key: StoredKey): void {
    const row = rowKey(key);
    const value: KeyValue = [KEY_FORMAT, key.facts, key.wrapped.encryptedDataKey, key.wrapped.box];
    void this.database.put(row, value);
    void this.database.put(Buffer.from(`I${key.tenant}#${key.keyId}#${digest(key.contentId)}`), key.contentId);
    this.#expire(row, readFacts(key).expiresAt);
  }

  #putPermit({ expiresAt, wrapped, ...identity }: DeliveryPermit): void {
    const row = permitKey(identity);
    const before = this.database.get(row);
    const expired = before === undefined ? undefined : readPermit(before).expiresAt;
    if (expired !== undefined) void this.database.remove(expiryKey(expired, row));
    const value: PermitValue = [KEY_FORMAT, expiresAt ?? null, wrapped.encryptedDataKey, wrapped.box];
    void this.database.put(row, value);
    this.#expire(row, expiresAt);
  }

  #expire(row: Buffer, expiresAt: number | undefined): void {
    if (expiresAt !== undefined) void this.database.put(expiryKey(expiresAt, row), row);
  }

  #permits(content: ContentName, keyIds: readonly KeyId[]): Map<KeyId, StoredPermit> {
    const permits = new Map<KeyId, StoredPermit>();
    if (keyIds.length === 0) return permits;
    const prefix = prefixText('P', content);
    for (const keyId of keyIds) {
      const value = this.database.get(Buffer.from(prefix + keyId));
      if (value !== undefined) permits.set(keyId, readPermit(value));
    }
    return permits;
  }

  /** Not by what is left of a key that was there before under the same ID. */
  #isPermitted(permit: DeliveryPermit): boolean {
    const value = this.database.get(permitKey(permit));
    if (value === undefined) return false;
    const { expiresAt } = readPermit(value);
    return expiresAt === undefined || permit.permittedAt < expiresAt;
  }

  #putRecord({ writer, sequence, body, mac }: AuditRecord): Promise<boolean> {
    return this.database.put(recordKey(writer, sequence), [body, mac] satisfies RecordValue);
  }

  #revocations(content: ContentName): Revocations {
    const text = this.database.get(contentPrefix('R', content)) as string | undefined;
    return text === undefined ? NOTHING_REVOKED : (JSON.parse(text) as Revocations);
  }

  async #changeWriter(writer: string, change: (row: AuditWriterRow) => AuditWriterRow): Promise<void> {
    await this.database.transaction(() => {
      const row = this.database.get(writerKey(writer)) as AuditWriterRow | undefined;
      if (row) void this.database.put(writerKey(writer), change(row));
    });
  }
}

function prefixText(kind: 'K' | 'P' | 'R' | 'D', { tenant, contentId }: ContentName): string {
  return `${kind}${tenant}#${Buffer.byteLength(contentId)}#${contentId}`;
}

function contentPrefix(kind: 'K' | 'R' | 'D', content: ContentName): Buffer {
  return Buffer.from(prefixText(kind, content));
}

function rowKey(key: KeyIdentity): Buffer {
  return Buffer.from(prefixText('K', key) + key.keyId);
}

function permitKey(key: KeyIdentity): Buffer {
  return Buffer.from(prefixText('P', key) + key.keyId);
}

function secretKey(tenant: string, name: string): Buffer {
  return Buffer.from(`S${tenant}#${name}`);
}

function writerKey(writer: string): Buffer {
  return Buffer.from(`W${writer}`);
}

function recordKey(writer: string, sequence: number): Buffer {
  return Buffer.from(`A${writer}#${String(sequence).padStart(16, '0')}`);
}

function expiryKey(expiresAt: number, row: Buffer): Buffer {
  const time = Buffer.from(`T${String(expiresAt).padStart(16, '0')}`);
  return row.length === 0 ? time : Buffer.concat([time, createHash('sha256').update(row).digest()]);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** The first key that does not begin with `prefix`. */
function past(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1]!++;
  return end;
}

function readRow(identity: KeyIdentity, value: unknown): KeyRow {
  const [format, facts, encryptedDataKey, box, shreddedAt] = Array.isArray(value) ? (value as KeyValue) : [];
  if (format !== KEY_FORMAT || typeof facts !== 'string') return { state: 'damaged', ...identity };
  if (Buffer.isBuffer(encryptedDataKey) && Buffer.isBuffer(box)) {
    return { state: 'kept', ...identity, facts, wrapped: { encryptedDataKey, box } };
  }
  return typeof shreddedAt === 'number'
    ? { state: 'shredded', ...identity, facts, shreddedAt }
    : { state: 'damaged', ...identity };
}

/** What is no permit says nothing that could be unwrapped. */
function readPermit(value: unknown): StoredPermit {
  const [format, expiresAt, encryptedDataKey, box] = Array.isArray(value) ? (value as PermitValue) : [];
  const whole = format === KEY_FORMAT && Buffer.isBuffer(encryptedDataKey) && Buffer.isBuffer(box);
  return {
    wrapped: whole ? { encryptedDataKey, box } : undefined,
    ...(typeof expiresAt === 'number' && { expiresAt }),
  };
}

function wrappedRow(key: Buffer, value: unknown): WrappedRow | undefined {
  const kind = String.fromCharCode(key[0]!);
  const id = key.toString('base64');
  // Key and permit have it in the same place.
  if (kind === 'K' || kind === 'P') {
    const encryptedDataKey = (value as KeyValue | PermitValue)[2];
    const tenant = key.subarray(1, key.indexOf('#')).toString();
    return encryptedDataKey ? { id, tenant, purpose: 'content-key', encryptedDataKey } : undefined;
  }
  if (kind === 'S') {
    const tenant = key.subarray(1, key.indexOf('#')).toString();
    return { id, tenant, purpose: 'secret', encryptedDataKey: (value as [Buffer, Buffer])[0] };
  }
  if (kind === 'W') {
    return { id, tenant: AUDIT_TENANT, purpose: 'audit', encryptedDataKey: (value as AuditWriterRow).encryptedDataKey };
  }
  return undefined;
}

function withDataKey(purpose: WrappedRow['purpose'], value: unknown, encryptedDataKey: Buffer): unknown {
  if (purpose === 'content-key') return (value as KeyValue).with(2, encryptedDataKey);
  if (purpose === 'secret') return [encryptedDataKey, (value as [Buffer, Buffer])[1]];
  return { ...(value as AuditWriterRow), encryptedDataKey };
}
