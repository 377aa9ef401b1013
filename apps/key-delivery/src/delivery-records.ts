import type { Bus, Message, Outbox } from '@latchkey/bus';
import type { KeyId } from '@latchkey/cenc';
import { deliveryCounted, deliveryDenied, newEvent } from '@latchkey/messages';
import type { z } from 'zod';
import type { KeyName } from './key-name';
import type { DenialReason } from './denial';

/** How much is lost at most if the process dies: deliveries counted, and repeats of a denial, that were not stated yet. */
export const COUNT_WINDOW_MS = 10_000;
export const REPEAT_WINDOW_MS = 1_000;
const MOST_COUNTED = 50_000;
/** Of one window, in one place of the outbox: what is told again is the same events, by their ids. */
const TOGETHER = 100;

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

type Counted = z.input<typeof deliveryCounted.data>;

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
    private readonly bus: Bus,
    private readonly outbox: Outbox,
    /** Of the events. */
    private readonly source: string,
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
    return this.outbox.now(this.#denial({ ...denied, count: 1 }));
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
    const event = this.#delivered(name, {
      from: this.#time(),
      to: this.#time(),
      delivered: 1,
      exchangeId: by.exchange.id,
      address: by.address,
      ...(by.subject === undefined ? {} : { subject: by.subject }),
    });
    await this.bus.publish(deliveryCounted, event);
  }

  /** What was counted is put into the outbox, which is closed after this. */
  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#stateCounts();
    this.#stateRepeats();
  }

  #stateCounts(): void {
    const counts = [...this.#counts.values()];
    this.#counts.clear();
    this.#put(
      counts.map(({ name, delivered, from }) => {
        const event = this.#delivered(name, { from: this.#time(from), to: this.#time(), delivered });
        return () => this.bus.publish(deliveryCounted, event);
      }),
    );
  }

  #put(messages: readonly Message[]): void {
    for (let from = 0; from < messages.length; from += TOGETHER) {
      const some = messages.slice(from, from + TOGETHER);
      this.outbox.put(() => Promise.all(some.map((message) => message())));
    }
  }

  #delivered({ tenant, contentId, keyId }: KeyName, facts: Omit<Counted, keyof KeyName>) {
    const subject = subjectOf(tenant, contentId);
    return newEvent(deliveryCounted, { source: this.source, subject, data: { tenant, contentId, keyId, ...facts } });
  }

  #stateRepeats(): void {
    const repeats = [...this.#repeats.values()].filter(({ count }) => count > 0);
    this.#repeats.clear();
    this.#put(repeats.map((denied) => this.#denial(denied)));
  }

  #denial(denied: Denied & { count: number }): Message {
    const { tenant, contentId, keyIds, reason, subject, address, exchange, count } = denied;
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
    const event = newEvent(deliveryDenied, {
      source: this.source,
      subject: subjectOf(tenant, contentId),
      traceparent: exchange.traceparent,
      data,
    });
    return () => this.bus.publish(deliveryDenied, event);
  }

  #time(at = this.now()): string {
    return new Date(at).toISOString();
  }
}

function subjectOf(tenant: string, contentId: string | undefined): string {
  return contentId === undefined ? tenant : `${tenant}/${contentId}`;
}
