import { hash } from 'node:crypto';
import { z } from 'zod';

/**
 * One link of a chain. `body` is kept as the text that was hashed, so that a proof needs no rule for how JSON is written.
 * A tenant's records are one chain, so that its auditor can prove it without seeing another tenant's.
 */
export interface LedgerRecord {
  readonly chain: string;
  /** 1, 2, 3 … within its chain. */
  readonly index: number;
  /** The hash of the record before, hex; 64 zeros for the first. */
  readonly previous: string;
  /** SHA-256, hex, over chain, index, previous and body, one to a line. */
  readonly hash: string;
  /** JSON of a LedgerEntry. */
  readonly body: string;
}

/** Where a chain stands. */
export interface ChainHead {
  readonly index: number;
  readonly hash: string;
}

export const NO_RECORD: ChainHead = { index: 0, hash: '0'.repeat(64) };

/** The chain of events that belong to no tenant. */
export const SYSTEM_CHAIN = '-';

/** What the ledger reads of an event: CloudEvents' own fields and whatever its data names. Others pass through as they are. */
export const ledgerEvent = z.looseObject({
  id: z.string().min(1).max(64),
  type: z.string().max(128),
  time: z.string().max(64),
  source: z.string().max(256),
  traceparent: z.string().optional(),
  data: z.looseObject({
    tenant: z.string().max(64).optional(),
    contentId: z.string().optional(),
    exchangeId: z.string().optional(),
    writer: z.string().optional(),
    sequence: z.number().int().optional(),
  }),
});
export type LedgerEvent = z.infer<typeof ledgerEvent>;

/** Whether it can be a record at all; what else is in it is its contract's matter. Cheap: every event comes by here. */
export function isLedgerEvent(value: unknown): value is LedgerEvent {
  const { id, type, time, source, data } = (value ?? {}) as Partial<Record<keyof LedgerEvent, unknown>>;
  const texts = [id, type, time, source].every((text) => typeof text === 'string');
  return texts && id !== '' && typeof data === 'object' && data !== null;
}

export interface LedgerEntry {
  /** When the monitor wrote it, ISO 8601; the event carries when it happened. */
  readonly recordedAt: string;
  readonly event: LedgerEvent;
}

/** `text` is the event's JSON, if it came as text: then it is kept as it came. */
export function linkRecord(
  chain: string,
  head: ChainHead,
  { recordedAt, event }: LedgerEntry,
  text = JSON.stringify(event),
): LedgerRecord {
  const [index, previous] = [head.index + 1, head.hash];
  const body = `{"recordedAt":"${recordedAt}","event":${text}}`;
  return { chain, index, previous, body, hash: hashOf({ chain, index, previous, body }) };
}

export function hashOf({ chain, index, previous, body }: Omit<LedgerRecord, 'hash'>): string {
  return hash('sha256', `${chain}\n${index}\n${previous}\n${body}`, 'hex');
}

/** Throws when the body is not an entry: the record was altered. */
export function readEntry(record: LedgerRecord): LedgerEntry {
  const { recordedAt, event } = JSON.parse(record.body) as LedgerEntry;
  return { recordedAt, event: ledgerEvent.parse(event) };
}

export function chainOf(event: LedgerEvent): string {
  return event.data.tenant ?? SYSTEM_CHAIN;
}
