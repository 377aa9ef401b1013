import type { KeyId } from '@latchkey/cenc';
import type { Deadline } from '@latchkey/bus';
import type { AuditLog, AuditRecord } from '../audit/audit-log';
import type {
  ContentName,
  DeliveryPermit,
  KeyIdentity,
  KeyRow,
  Revocations,
  StoredKey,
  StoredPermit,
  Wrapped,
} from './stored-key';

/** The rows of one content that were asked for, and what is revoked there. */
export interface ContentRows {
  readonly rows: ReadonlyMap<KeyId, KeyRow>;
  readonly revocations: Revocations;
  readonly permits: ReadonlyMap<KeyId, StoredPermit>;
}

/** Rows that are not there yet. */
export interface NewRows {
  readonly keys: readonly StoredKey[];
  readonly permits?: readonly DeliveryPermit[];
}

export interface KeyPage {
  /** By key ID, ascending. */
  readonly rows: readonly KeyRow[];
  readonly revocations: Revocations;
  /** Give it back as `after` for the next page; absent on the last one. */
  readonly next?: KeyId;
}

/** A stored document of the CPIX resource. */
export interface StoredDocument {
  readonly spekeVersion: string;
  readonly document: string;
  readonly etag: string;
}

/**
 * Where keys are kept, the same by two means (DynamoDB, LMDB): what is answered is durable; `create` settles races.
 * Throws Fault UNAVAILABLE when the store cannot be reached or will not take more, DEADLINE_EXCEEDED past the deadline.
 */
export interface KeyStore extends AuditLog {
  readonly name: 'dynamodb' | 'embedded';

  /**
   * At most 64 key IDs, one call (two at once for more than 49 with all their permits). What another process has written is seen.
   * `permitsOf`: the keys whose permits are read too.
   */
  read(
    content: ContentName,
    keyIds: readonly KeyId[],
    deadline: Deadline,
    permitsOf?: readonly KeyId[],
  ): Promise<ContentRows>;

  /**
   * Writes all rows, none of which may exist, and the records of their leaving: all or nothing. False if one exists:
   * somebody was first, and its key is the key. A permit that expired before this one was given is as good as none.
   */
  create(rows: NewRows, records: readonly AuditRecord[], deadline: Deadline): Promise<boolean>;

  /** The keys of a content by pages, expired and revoked ones too. */
  page(content: ContentName, limit: number, after: KeyId | undefined, deadline: Deadline): Promise<KeyPage>;

  /** The contents that have a key of that ID. */
  find(tenant: string, keyId: KeyId, deadline: Deadline): Promise<readonly string[]>;

  /** Replaces what is revoked if it is still of version `revocations.version - 1`; false if it is not. */
  revoke(
    content: ContentName,
    revocations: Revocations,
    records: readonly AuditRecord[],
    deadline: Deadline,
  ): Promise<boolean>;

  /** Takes the key out of each row, for ever; the facts stay. Again does no harm. */
  shred(keys: readonly (KeyIdentity & { readonly facts: string })[], at: number, deadline: Deadline): Promise<void>;

  getDocument(content: ContentName, deadline: Deadline): Promise<StoredDocument | undefined>;

  /** `expected`: the tag that must be there, null for none. False if another is. */
  putDocument(
    content: ContentName,
    document: StoredDocument,
    expected: string | null,
    deadline: Deadline,
  ): Promise<boolean>;

  deleteDocument(content: ContentName, expected: string, deadline: Deadline): Promise<boolean>;

  /** A secret of the service itself or of a tenant, e.g. a root secret. */
  getSecret(tenant: string, name: string, deadline: Deadline): Promise<Wrapped | undefined>;

  /** False if one of that name exists. */
  createSecret(tenant: string, name: string, secret: Wrapped, deadline: Deadline): Promise<boolean>;

  /** Every row there is that holds an encrypted data key, for `reencrypt`. */
  wrappedRows(): AsyncIterable<WrappedRow>;

  /** Replaces a row's encrypted data key by another form of the same data key, if it is still the one given. */
  replaceDataKey(row: WrappedRow, encryptedDataKey: Buffer): Promise<boolean>;

  /** Deletes what has expired, where the store does not do so itself; how many rows. */
  sweep(now: number): Promise<number>;

  /** Whether it answers now. */
  check(): Promise<boolean>;

  close(): Promise<void>;
}

/** A row as `reencrypt` sees it. */
export interface WrappedRow {
  readonly id: string;
  readonly tenant: string;
  readonly purpose: 'content-key' | 'secret' | 'audit';
  readonly encryptedDataKey: Buffer;
}
