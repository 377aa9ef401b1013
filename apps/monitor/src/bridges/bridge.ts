import type { Logger } from '@latchkey/runtime';
import type { LedgerEvent } from '../ledger/ledger-record';
import { kindOf } from '../live/event-summary';
import type { KeptRecords } from '../store/kept-records';
import { PATIENCE, postpone, type Delivery, type Patience } from './delivery';

/** Carries events to one receiver. */
export interface Sender {
  /** Most events in one call. */
  readonly batch: number;
  /** How long an event waits for others to go with it. */
  readonly gatherMs: number;
  /** For each event what went wrong, or undefined: it has arrived. Throws if that holds for all of them. */
  send(events: readonly LedgerEvent[]): Promise<readonly (string | undefined)[]>;
}

export interface Selection {
  /** `key.*`, `rotation.missed`, `*`: without prefix and version. */
  readonly events: readonly string[];
  /** Absent: all. */
  readonly tenants?: readonly string[] | undefined;
}

export interface BridgeOptions {
  readonly now?: () => number;
  readonly random?: () => number;
  readonly patience?: Patience;
  /** Deliveries that may wait; beyond, an event goes to the dead letters at once. */
  readonly mostWaiting?: number;
}

/**
 * Takes chosen events to a receiver outside, at least once, in about their order. What has not arrived is kept in the
 * store and tried again, later and later; what was given up is a dead letter, listed and sent again when told.
 */
export class Bridge {
  private readonly deliveries = new Map<string, Delivery>();
  private readonly patterns: readonly RegExp[];
  private readonly now: () => number;
  private readonly random: () => number;
  private readonly patience: Patience;
  private readonly mostWaiting: number;
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;
  private closed = false;

  constructor(
    readonly id: string,
    private readonly selection: Selection,
    private readonly sender: Sender,
    private readonly store: KeptRecords<Delivery>,
    private readonly logger: Logger,
    options: BridgeOptions = {},
  ) {
    this.patterns = selection.events.map(patternOf);
    this.now = options.now ?? Date.now;
    this.random = options.random ?? Math.random;
    this.patience = options.patience ?? PATIENCE;
    this.mostWaiting = options.mostWaiting ?? 10_000;
  }

  /** Takes up what was under way before. */
  resume(delivery: Delivery): void {
    this.deliveries.set(delivery.event.id, delivery);
    this.wake();
  }

  /** Resolves when the event will be delivered whatever happens to this process. */
  async take(event: LedgerEvent): Promise<void> {
    if (!this.wants(event) || this.deliveries.has(event.id)) return;
    const now = this.now();
    const dead = this.waiting().length >= this.mostWaiting;
    await this.keep({ bridge: this.id, event, attempts: 0, since: now, nextAt: now + this.sender.gatherMs, dead });
    this.wake();
  }

  private wants({ type, data: { tenant } }: LedgerEvent): boolean {
    const { tenants } = this.selection;
    if (tenants && (tenant === undefined || !tenants.includes(tenant))) return false;
    return this.patterns.some((pattern) => pattern.test(kindOf(type)));
  }

  /** The most recent last. */
  deadLetters(): Delivery[] {
    return [...this.deliveries.values()].filter(({ dead }) => dead);
  }

  waiting(): Delivery[] {
    return [...this.deliveries.values()].filter(({ dead }) => !dead);
  }

  /** How many dead letters go out again. */
  async sendAgain(): Promise<number> {
    const letters = this.deadLetters();
    const now = this.now();
    for (const letter of letters) await this.keep({ ...letter, dead: false, attempts: 0, since: now, nextAt: now });
    this.wake();
    return letters.length;
  }

  /** Lets what is being sent finish; the rest is kept. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.sending;
  }

  private wake(): void {
    if (this.closed || this.sending) return;
    clearTimeout(this.timer);
    const next = Math.min(...this.waiting().map(({ nextAt }) => nextAt));
    if (next === Infinity) return;
    this.timer = setTimeout(() => void this.sendNow(), Math.max(0, next - this.now()));
    this.timer.unref();
  }

  /** Sends what is due; by itself whenever something is. */
  sendNow(): Promise<void> {
    this.sending ??= this.sendDue()
      .catch((err: unknown) => this.logger.warn({ err, bridge: this.id }, 'deliveries could not be kept'))
      .finally(() => {
        this.sending = undefined;
        this.wake();
      });
    return this.sending;
  }

  private async sendDue(): Promise<void> {
    const now = this.now();
    const due = this.waiting().filter(({ nextAt }) => nextAt <= now);
    for (let at = 0; at < due.length && !this.closed; at += this.sender.batch) {
      await this.sendBatch(due.slice(at, at + this.sender.batch));
    }
  }

  private async sendBatch(batch: readonly Delivery[]): Promise<void> {
    const errors = await this.attempt(batch);
    for (const [at, delivery] of batch.entries()) {
      const error = errors[at];
      if (error === undefined) await this.drop(delivery);
      else await this.keep(this.postponed(delivery, error));
    }
  }

  private async attempt(batch: readonly Delivery[]): Promise<readonly (string | undefined)[]> {
    try {
      return await this.sender.send(batch.map(({ event }) => event));
    } catch (error) {
      return batch.map(() => (error as Error).message || 'it could not be sent');
    }
  }

  private postponed(delivery: Delivery, error: string): Delivery {
    const postponed = postpone(delivery, error, this.now(), this.patience, this.random());
    const about = { bridge: this.id, event: delivery.event.id, attempts: postponed.attempts, reason: error };
    if (postponed.dead) this.logger.error(about, 'an event could not be delivered and is a dead letter now');
    else if (postponed.attempts === 1) this.logger.warn(about, 'an event could not be delivered yet');
    return postponed;
  }

  private async keep(delivery: Delivery): Promise<void> {
    if (delivery.dead) await this.makeRoom();
    this.deliveries.set(delivery.event.id, delivery);
    await this.store.put([this.id, delivery.event.id], delivery);
  }

  /** The oldest dead letter is let go when there are too many: the ledger has its event for ever. */
  private async makeRoom(): Promise<void> {
    const letters = this.deadLetters();
    if (letters.length >= MOST_DEAD && letters[0]) await this.drop(letters[0]);
  }

  private async drop({ event: { id } }: Delivery): Promise<void> {
    this.deliveries.delete(id);
    await this.store.delete([this.id, id]);
  }
}

const MOST_DEAD = 10_000;

function patternOf(pattern: string): RegExp {
  const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`);
}
