import type { KeyId } from '@latchkey/cenc';
import { deliveryCounted, deliveryDenied } from '@latchkey/messages';
import type { ServiceContext } from '@latchkey/runtime';
import { cloudEvent } from './cloud-event';
import type { KeyName } from './key-name';
import type { DenialReason } from './denial';
import type { EventOutbox } from './event-outbox';

/** How much is lost at most if the process dies: deliveries counted, and repeats of a denial, that were not stated yet. */
export const COUNT_WINDOW_MS = 10_000;
export const REPEAT_WINDOW_MS = 1_000;
const MOST_COUNTED = 50_000;

/** A key that was issued for DRM systems alone: no player gets it, and none is told so. */
export const DRM_ONLY = 'drm-only-key';

/** There is no tenant of the name that the request says. */
export const NO_TENANT = 'no-such-tenant';

export interface Denied {
  readonly tenant: string;
  readonly contentId?: string | undefined;
  readonly keyIds: readonly KeyId[];
  readonly reason: DenialReason | typeof DRM_ONLY | typeof NO_TENANT;
  readonly subject?: string | undefined;
  readonly address: string;
  readonly exchange: RecordedExchange;
}

/** The HTTP request that a record is about. */
export interface RecordedExchange {
  readonly id: string;
  readonly traceparent?: string | undefined;
}

export interface Delivered {
  readonly exchange: RecordedExchange;
  readonly subject: string | undefined;
  readonly address: string;
}

/** What becomes known of deliveries: every denial, and deliveries each or counted by key. Never a key or a token. */
export class DeliveryRecords {
  readonly #repeats = new Map<string, Denied & { count: number }>();
  readonly #counts = new Map<string, { name: KeyName; delivered: number; from: number }>();
  readonly #timers: NodeJS.Timeout[];

  constructor(
    private readonly outbox: EventOutbox,
    private readonly service: Pick<ServiceContext, 'name' | 'instance'>,
    private readonly now: () => number = Date.now,
  ) {
    this.#timers = [
      setInterval(() => this.#stateCounts(), COUNT_WINDOW_MS).unref(),
      setInterval(() => this.#stateRepeats(), REPEAT_WINDOW_MS).unref(),
    ];
  }

  /** The first of its kind is stated at once; the same again within a second is counted into one record. */
  denied(denied: Denied): Promise<void> | undefined {
    const kind = JSON.stringify([
      denied.tenant,
      denied.contentId,
      denied.keyIds,
      denied.reason,
      denied.subject,
      denied.address,
    ]);
    const before = this.#repeats.get(kind);
    if (before) {
      before.count++;
      return undefined;
    }
    if (this.#repeats.size >= MOST_COUNTED) this.#stateRepeats();
    this.#repeats.set(kind, { ...denied, count: 0 });
    return this.#stateDenial({ ...denied, count: 1 });
  }

  counted(name: KeyName): void {
    const count = this.#counts.get(name.text);
    if (count) {
      count.delivered++;
      return;
    }
    if (this.#counts.size >= MOST_COUNTED) this.#stateCounts();
    this.#counts.set(name.text, { name, delivered: 1, from: this.now() });
  }

  /** Before the key leaves: a delivery whose record is not durable does not happen. Throws Fault UNAVAILABLE. */
  async each(name: KeyName, by: Delivered): Promise<void> {
    await this.outbox.putOrFail(
      deliveryCounted,
      cloudEvent(this.service, deliveryCounted.type, `${name.tenant}/${name.contentId}`, {
        ...nameOf(name),
        from: this.#time(),
        to: this.#time(),
        delivered: 1,
        exchangeId: by.exchange.id,
        address: by.address,
        ...(by.subject === undefined ? {} : { subject: by.subject }),
      }),
    );
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all([this.#stateCounts(), this.#stateRepeats()]);
  }

  async #stateCounts(): Promise<void> {
    const counts = [...this.#counts.values()];
    this.#counts.clear();
    await Promise.all(
      counts.map(({ name, delivered, from }) =>
        this.outbox.put(
          deliveryCounted,
          cloudEvent(this.service, deliveryCounted.type, `${name.tenant}/${name.contentId}`, {
            ...nameOf(name),
            from: this.#time(from),
            to: this.#time(),
            delivered,
          }),
        ),
      ),
    );
  }

  async #stateRepeats(): Promise<void> {
    const repeats = [...this.#repeats.values()].filter(({ count }) => count > 0);
    this.#repeats.clear();
    await Promise.all(repeats.map((denied) => this.#stateDenial(denied)));
  }

  #stateDenial({ tenant, contentId, keyIds, reason, subject, address, exchange, count }: Denied & { count: number }) {
    const data = {
      tenant,
      exchangeId: exchange.id,
      ...(contentId !== undefined && { contentId }),
      keyIds: [...keyIds],
      reason,
      ...(subject !== undefined && { subject }),
      address,
      count,
    };
    const event = cloudEvent(
      this.service,
      deliveryDenied.type,
      subjectOf(tenant, contentId),
      data,
      exchange.traceparent,
    );
    return this.outbox.put(deliveryDenied, event);
  }

  #time(at = this.now()): string {
    return new Date(at).toISOString();
  }
}

function subjectOf(tenant: string, contentId: string | undefined): string {
  return contentId === undefined ? tenant : `${tenant}/${contentId}`;
}

function nameOf({ tenant, contentId, keyId }: KeyName) {
  return { tenant, contentId, keyId };
}
