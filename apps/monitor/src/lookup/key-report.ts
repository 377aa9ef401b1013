import {
  deliveryCounted,
  deliveryDenied,
  keyImported,
  keyIssued,
  keyReissued,
  keyReleased,
  keyRevoked,
} from '@latchkey/messages';
import type { Ledger } from '../ledger/ledger';
import type { LedgerEvent } from '../ledger/ledger-record';
import { summarise, type EventSummary } from '../live/event-summary';
import { traceIdOf } from './trace-id';

/** What is known of a key ID in one tenant's content: everything but the key. */
export interface KeyReport {
  readonly keyId: string;
  readonly tenant: string;
  readonly contentId: string;
  readonly issuedAt: string | undefined;
  readonly imported: boolean;
  readonly period: unknown;
  readonly scheme: unknown;
  readonly trackTypes: readonly string[];
  readonly systems: readonly string[];
  readonly requesters: readonly string[];
  readonly spekeVersions: readonly string[];
  readonly timesAsked: number;
  readonly delivered: number;
  readonly denied: number;
  /** Players may have it in the clear from then on; undefined, unless older events are missing: it is for DRM systems alone. */
  readonly deliverableSince: string | undefined;
  readonly revokedAt: string | undefined;
  readonly expiresAt: string | undefined;
  readonly lastExchangeId: string | undefined;
  readonly traceId: string | undefined;
  /** The most recent first. */
  readonly events: readonly EventSummary[];
  /** More events than were looked at. */
  readonly truncated: boolean;
}

const MOST_EVENTS = 500;

/** One report for each content that the key ID was seen in. */
export async function reportKey(ledger: Ledger, keyId: string, tenants?: readonly string[]): Promise<KeyReport[]> {
  const { records, cursor } = await ledger.query({ keyId, tenants, limit: MOST_EVENTS });
  const contents = new Map<string, LedgerEvent[]>();
  for (const { entry } of records) {
    const { tenant, contentId } = entry.event.data;
    if (tenant === undefined || contentId === undefined) continue;
    const name = JSON.stringify([tenant, contentId]);
    contents.set(name, [...(contents.get(name) ?? []), entry.event]);
  }
  const reports = [...contents.values()].map((events) => reportContent(keyId, events, cursor !== undefined));
  return Promise.all(reports.map((report) => withTrace(report, ledger)));
}

/** Where the key's own events name no trace, its last exchange may. */
async function withTrace(report: KeyReport, ledger: Ledger): Promise<KeyReport> {
  if (report.traceId !== undefined || report.lastExchangeId === undefined) return report;
  return { ...report, traceId: traceIdOf(await ledger.byId(report.lastExchangeId, [report.tenant])) };
}

interface KeyFacts {
  readonly keyId: string;
  readonly requestedKeyId?: string;
  readonly scheme?: string;
  readonly period?: unknown;
  readonly intendedTrackType?: string;
  readonly expiresAt?: number;
  readonly clearDelivery?: boolean;
}

const ISSUANCES: ReadonlySet<string> = new Set([keyIssued.type, keyReissued.type, keyImported.type]);

function reportContent(keyId: string, events: readonly LedgerEvent[], truncated: boolean): KeyReport {
  const of = (...types: string[]) => events.filter(({ type }) => types.includes(type));
  const issuances = events.filter(({ type }) => ISSUANCES.has(type));
  const first = of(keyIssued.type, keyImported.type).at(-1);
  const facts = issuances.flatMap((event) => factsOf(event, keyId));
  const expiresAt = facts.find((one) => one.expiresAt !== undefined)?.expiresAt;
  const traced = events.find(({ traceparent }) => traceparent !== undefined);
  return {
    keyId,
    tenant: events[0]?.data.tenant ?? '',
    contentId: events[0]?.data.contentId ?? '',
    issuedAt: first?.time,
    imported: first?.type === keyImported.type,
    period: facts.find(({ period }) => period !== undefined)?.period,
    scheme: facts.find(({ scheme }) => scheme !== undefined)?.scheme,
    trackTypes: texts(facts.map(({ intendedTrackType }) => intendedTrackType)),
    systems: texts(issuances.flatMap(({ data }) => data['systems'] as string[] | undefined)),
    requesters: texts(
      issuances.map(({ data }) => (data['requester'] as { encryptorId?: string } | undefined)?.encryptorId),
    ),
    spekeVersions: texts(issuances.map(({ data }) => data['spekeVersion'])),
    timesAsked: of(keyIssued.type, keyReissued.type).length,
    delivered: total(of(deliveryCounted.type), 'delivered') + of(keyReleased.type).filter(isPlayers).length,
    denied: total(of(deliveryDenied.type), 'count'),
    deliverableSince: issuances.findLast((event) => factsOf(event, keyId).some(({ clearDelivery }) => clearDelivery))
      ?.time,
    revokedAt: of(keyRevoked.type).at(0)?.time,
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
    lastExchangeId: issuances[0]?.data.exchangeId,
    traceId: traceIdOf(traced),
    events: events.map(summarise),
    truncated,
  };
}

function factsOf({ data }: LedgerEvent, keyId: string): KeyFacts[] {
  const keys = (data['keys'] ?? []) as KeyFacts[];
  return keys.filter((key) => key.keyId === keyId || key.requestedKeyId === keyId);
}

function isPlayers({ data }: LedgerEvent): boolean {
  return data['reason'] === 'player';
}

function total(events: readonly LedgerEvent[], name: string): number {
  return events.reduce((sum, { data }) => sum + (typeof data[name] === 'number' ? data[name] : 0), 0);
}

function texts(values: readonly unknown[]): string[] {
  return [...new Set(values.filter((value): value is string => typeof value === 'string'))];
}
