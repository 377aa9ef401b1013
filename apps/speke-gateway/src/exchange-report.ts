import type { FastifyReply, FastifyRequest } from 'fastify';
import { Deadline, type Bus, type Outbox } from '@latchkey/bus';
import type { KeyId, SystemId } from '@latchkey/cenc';
import {
  exchangeCompleted,
  exchangeFailed,
  exchangeRejected,
  newEvent,
  recordRefusal,
  type Requester,
  MAX_KEYS_PER_REQUEST,
} from '@latchkey/messages';
import { instruments } from '@latchkey/runtime';
import type { SpekeRequest, SpekeVersion } from '@latchkey/speke';
import type { z } from 'zod';
import { UNKNOWN_TENANT } from '@latchkey/tenants';
import { Traffic } from './door/traffic';

declare module 'fastify' {
  interface FastifyRequest {
    /** What is known of the request so far; on the paths behind the door only. */
    report: ExchangeReport;
  }
}

/** In milliseconds; `startMs` counted from when the request came. */
export interface Hop {
  readonly name: string;
  readonly startMs: number;
  readonly ms: number;
  readonly outcome: 'ok' | 'refused' | 'failed';
}

type Resource = z.infer<typeof exchangeCompleted.data>['resource'];

/** What happened in one exchange, gathered while it happens. Never key material, never the document. */
export class ExchangeReport {
  readonly hops: Hop[] = [];
  contentId: string | undefined;
  spekeVersion: SpekeVersion | undefined;
  keyIds: readonly KeyId[] = [];
  systems: readonly SystemId[] = [];
  periodIndex: number | undefined;
  /** The part that refused has recorded it already. */
  refusalRecorded = false;

  constructor(
    readonly resource: Resource,
    public tenant: string,
    public requester: Requester,
  ) {}

  describe({ contentId, version, keys, systems }: SpekeRequest): void {
    this.contentId = contentId;
    this.spekeVersion = version;
    this.keyIds = keys.map(({ keyId }) => keyId);
    this.systems = systems.map(({ systemId }) => systemId);
    this.periodIndex = keys.find(({ period }) => period?.index !== undefined)?.period?.index;
  }
}

/** Who has proved nothing must not fill the stores: what is left out is in the log and in the metrics. */
const STRANGERS = { requestsPerMinute: 600 };

/** Tells the outcome of an exchange once it is answered: an event for everybody, and a durable record of a refusal. */
export class ExchangeReports {
  readonly #strangers = new Traffic();

  constructor(
    private readonly bus: Bus,
    private readonly outbox: Outbox,
    /** Of the events. */
    private readonly source: string,
  ) {}

  tell(report: ExchangeReport, request: FastifyRequest, reply: FastifyReply): void {
    measure(report, request, reply.statusCode);
    if (report.tenant === UNKNOWN_TENANT && this.#strangers.enter(UNKNOWN_TENANT, STRANGERS) > 0) return;
    this.#publish(report, request, reply.statusCode);
    const refused = reply.statusCode >= 400 && reply.statusCode < 500;
    if (refused && !report.refusalRecorded) this.#recordRefusal(report, request);
  }

  #publish(report: ExchangeReport, { exchange }: FastifyRequest, status: number): void {
    const contract = status < 400 ? exchangeCompleted : status < 500 ? exchangeRejected : exchangeFailed;
    const { tenant, contentId, spekeVersion, periodIndex, resource, requester, hops } = report;
    const event = newEvent(contract, {
      source: this.source,
      id: exchange.id,
      subject: contentId === undefined ? undefined : `${tenant}/${contentId}`,
      traceparent: exchange.traceparent,
      data: {
        tenant,
        exchangeId: exchange.id,
        contentId,
        requester,
        spekeVersion,
        resource,
        keyIds: [...report.keyIds],
        systems: [...report.systems],
        periodIndex,
        status,
        code: exchange.code,
        durationMs: Math.round(exchange.durationMs * 100) / 100,
        hops: hops.map(({ name, startMs, ms }) => ({ name, startMs, ms })),
      },
    });
    this.outbox.put(() => this.bus.publish(contract as typeof exchangeCompleted, event as never));
  }

  #recordRefusal(report: ExchangeReport, { exchange }: FastifyRequest): void {
    const { tenant, contentId, requester } = report;
    const refusal = {
      tenant,
      contentId,
      keyIds: report.keyIds.slice(0, MAX_KEYS_PER_REQUEST),
      exchangeId: exchange.id,
      requester,
      code: exchange.code ?? 'refused',
    };
    this.outbox.put(() => this.bus.ask(recordRefusal, refusal, { deadline: Deadline.in(recordRefusal.timeoutMs) }));
  }
}

/** Nothing here has more values than the configuration has names. */
function measure(report: ExchangeReport, { exchange }: FastifyRequest, status: number): void {
  const outcome = status < 400 ? 'completed' : status < 500 ? 'rejected' : 'failed';
  const { tenant, requester, hops, systems } = report;
  const version = report.spekeVersion ?? 'none';
  instruments.exchanges.add(1, { tenant, encryptor: requester.encryptorId, version, outcome });
  instruments.exchangeDuration.recordSince(exchange.startedAt, { version, outcome });
  for (const system of systems) instruments.exchangeSystems.add(1, { tenant, system, version, outcome });
  for (const { name, ms, outcome: result } of hops) {
    instruments.hopDuration.record(ms / 1_000, { hop: name, outcome: result });
  }
  if (outcome === 'rejected') {
    instruments.keysDenied.add(1, { tenant, door: 'encryptor', reason: exchange.code ?? 'refused' });
  }
}
