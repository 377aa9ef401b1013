import type { Deadline } from '@latchkey/bus';

/**
 * One line of the audit: what a process did, in its own order. Written once, before what it tells of leaves the house;
 * the bus gets it later.
 */
export interface AuditRecord {
  /** The process that wrote it, one name for each start. */
  readonly writer: string;
  /** That writer's own count, from 1: a gap is a lost record. */
  readonly sequence: number;
  /** The event as it is published, JSON. */
  readonly body: string;
  /** HMAC-SHA-256 over writer, sequence and body under the writer's key: an edit shows. */
  readonly mac: Buffer;
  /** What `body` says, where it has just been made; not stored. */
  readonly event?: { readonly id: string; readonly type: string };
}

/** Who writes, with what an auditor needs to check its records. */
export interface AuditWriterRow {
  readonly writer: string;
  /** The writer's data key, which the MAC key is derived from, as the master key encrypted it. */
  readonly encryptedDataKey: Buffer;
  /** All records up to this one are published. */
  readonly published: number;
  /** Epoch milliseconds of its last sign of life. */
  readonly seenAt: number;
  /** Set when it has ended: its last sequence, or of a writer that died, the last that was found. */
  readonly last?: number;
  /** Of a writer that ended in good order: its MAC over `last`, so that records cut off at the end show. */
  readonly closing?: Buffer;
}

/** The part of the store that keeps the audit. */
export interface AuditLog {
  openWriter(writer: AuditWriterRow, deadline: Deadline): Promise<void>;

  /** Durable when it resolves. Records of concurrent callers share a write. */
  append(records: readonly AuditRecord[], deadline: Deadline): Promise<void>;

  /** Writes it if there is none of its writer and sequence; the one that is there in the end. */
  fillGap(record: AuditRecord): Promise<AuditRecord>;

  /** All up to `sequence` are published; a sign of life besides. */
  markPublished(writer: string, sequence: number, now: number): Promise<void>;

  /** Ended: nothing of it is left to publish. `closing` if it says so itself. */
  closeWriter(writer: string, last: number, closing?: Buffer): Promise<void>;

  /** Those that have not ended, or all. */
  writers(which: 'open' | 'all'): Promise<readonly AuditWriterRow[]>;

  /** By sequence, ascending, past `after`; at most `limit`. */
  recordsAfter(writer: string, after: number, limit: number): Promise<readonly AuditRecord[]>;
}

/** In whose name writers' data keys are encrypted: the service's own, no tenant's (a tenant's name begins otherwise). */
export const AUDIT_TENANT = '_audit';
