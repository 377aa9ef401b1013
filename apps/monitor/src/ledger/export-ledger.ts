import { traceIdOf } from '../lookup/trace-id';
import { keyIdsOf } from './index-keys';
import { readEntry, type LedgerEvent, type LedgerRecord } from './ledger-record';
import type { LedgerStore } from './ledger-store';

export const EXPORT_FORMATS = ['csv', 'ndjson'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
export const EXPORT_MEDIA_TYPES = { csv: 'text/csv; charset=utf-8', ndjson: 'application/x-ndjson' } as const;

export interface ExportQuery {
  readonly format: ExportFormat;
  /** Absent: all. */
  readonly chains?: readonly string[] | undefined;
  /** By the time of the event, ISO 8601, inclusive. A part of a chain cannot be proved whole. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * The ledger as text, chain by chain in the order of their records. NDJSON has the records as they were hashed, so that
 * others can prove them; CSV has what people read.
 */
export async function* exportLedger(store: LedgerStore, query: ExportQuery): AsyncGenerator<string> {
  if (query.format === 'csv') yield line(Object.keys(COLUMNS));
  const chains = query.chains ?? [...(await store.chains()).keys()].sort();
  for (const chain of chains) {
    for await (const record of store.walk(chain)) {
      if (!isWithin(record, query)) continue;
      yield query.format === 'csv' ? csvLine(record) : `${JSON.stringify(record)}\n`;
    }
  }
}

function isWithin(record: LedgerRecord, { from, to }: ExportQuery): boolean {
  if (from === undefined && to === undefined) return true;
  const time = Date.parse(readEntry(record).event.time);
  return (from === undefined || time >= Date.parse(from)) && (to === undefined || time <= Date.parse(to));
}

function csvLine(record: LedgerRecord): string {
  const { recordedAt, event } = readEntry(record);
  return line(Object.values(COLUMNS).map((value) => value(event, record, recordedAt)));
}

type Column = (event: LedgerEvent, record: LedgerRecord, recordedAt: string) => unknown;
const data =
  (name: string): Column =>
  (event) =>
    event.data[name];
const ofKeys =
  (read: (key: Record<string, unknown>) => unknown): Column =>
  ({ data: { keys } }) =>
    Array.isArray(keys) ? [...new Set(keys.map(read).filter((value) => value !== undefined))] : undefined;

const COLUMNS: Readonly<Record<string, Column>> = {
  chain: (_, { chain }) => chain,
  index: (_, { index }) => index,
  time: ({ time }) => time,
  recordedAt: (_, __, recordedAt) => recordedAt,
  type: ({ type }) => type,
  tenant: data('tenant'),
  contentId: data('contentId'),
  keyIds: keyIdsOf,
  periods: ofKeys(({ period }) => (period as { index?: number } | undefined)?.index),
  trackTypes: ofKeys(({ intendedTrackType }) => intendedTrackType),
  systems: data('systems'),
  encryptorId: ({ data: { requester } }) => (requester as { encryptorId?: string } | undefined)?.encryptorId,
  address: ({ data: { requester } }) => (requester as { address?: string } | undefined)?.address,
  spekeVersion: data('spekeVersion'),
  status: data('status'),
  code: data('code'),
  exchangeId: data('exchangeId'),
  traceId: (event) => traceIdOf(event),
  eventId: ({ id }) => id,
  source: ({ source }) => source,
  writer: data('writer'),
  sequence: data('sequence'),
  hash: (_, { hash }) => hash,
};

/** RFC 4180. */
function line(values: readonly unknown[]): string {
  return `${values.map(cell).join(',')}\r\n`;
}

function cell(value: unknown): string {
  const text = value === undefined || value === null ? '' : Array.isArray(value) ? value.join(' ') : String(value);
  // A spreadsheet takes these for formulas, and content IDs are whatever an encryptor writes.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
