import { exchangeCompleted, exchangeFailed, exchangeRejected } from '@latchkey/messages';
import { CATALOGUE, FAULT_CODES } from '@latchkey/speke';
import type { Ledger } from '../ledger/ledger';
import type { LedgerEvent } from '../ledger/ledger-record';
import { kindOf } from '../live/event-summary';
import { traceIdOf } from './trace-id';

/** One HTTP request to the gateway, and all that was stated about it. */
export interface ExchangeReport {
  readonly exchangeId: string;
  readonly tenant: string | undefined;
  readonly contentId: string | undefined;
  readonly outcome: 'completed' | 'rejected' | 'failed' | undefined;
  readonly status: number | undefined;
  readonly code: string | undefined;
  /** What the code says, and what helps: docs/errors.md. */
  readonly meaning: { readonly text: string; readonly cause: string; readonly fix: string } | undefined;
  readonly durationMs: number | undefined;
  readonly hops: readonly { readonly name: string; readonly ms: number; readonly startMs?: number }[];
  readonly requester: { readonly encryptorId?: string; readonly userAgent?: string; readonly address?: string };
  readonly traceId: string | undefined;
  /** In the order of time. */
  readonly events: readonly {
    readonly id: string;
    readonly kind: string;
    readonly time: string;
    readonly source: string;
    readonly data: LedgerEvent['data'];
  }[];
}

const OUTCOMES: Readonly<Record<string, ExchangeReport['outcome']>> = {
  [exchangeCompleted.type]: 'completed',
  [exchangeRejected.type]: 'rejected',
  [exchangeFailed.type]: 'failed',
};

/** Undefined if the ledger, as far as these tenants go, has nothing of it. */
export async function reportExchange(
  ledger: Ledger,
  exchangeId: string,
  tenants?: readonly string[],
): Promise<ExchangeReport | undefined> {
  const [{ records }, outcome] = await Promise.all([
    ledger.query({ exchangeId, tenants, limit: 200 }),
    ledger.byId(exchangeId, tenants),
  ]);
  const events = [...records.map(({ entry }) => entry.event), ...(outcome ? [outcome] : [])].sort(byTime);
  if (events.length === 0) return undefined;
  const end = events.find(({ type }) => type in OUTCOMES);
  const asked = events.find(({ data }) => data['requester'] !== undefined);
  const { status, code, durationMs, hops } = (end?.data ?? {}) as Partial<ExchangeReport>;
  return {
    exchangeId,
    tenant: events[0]?.data.tenant,
    contentId: events.find(({ data }) => data.contentId !== undefined)?.data.contentId,
    outcome: end && OUTCOMES[end.type],
    status,
    code,
    meaning: meaningOf(code),
    durationMs,
    hops: hops ?? [],
    requester: (asked?.data['requester'] ?? {}) as ExchangeReport['requester'],
    traceId: traceIdOf(events.find(({ traceparent }) => traceparent !== undefined)),
    events: events.map(({ id, type, time, source, data }) => ({ id, kind: kindOf(type), time, source, data })),
  };
}

/** Codes of the SPEKE door; others speak for themselves. */
function meaningOf(code: string | undefined): ExchangeReport['meaning'] {
  const entry = FAULT_CODES.find((known) => known === code);
  if (!entry) return undefined;
  const { text, cause, fix } = CATALOGUE[entry];
  return { text, cause, fix };
}

/** The outcome is stated last, also where two clocks or one millisecond say otherwise. */
function byTime(a: LedgerEvent, b: LedgerEvent): number {
  const ended = Number(a.type in OUTCOMES) - Number(b.type in OUTCOMES);
  return ended || Date.parse(a.time) - Date.parse(b.time);
}
