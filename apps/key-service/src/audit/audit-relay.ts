import type { KeyObject } from 'node:crypto';
import type { Deadline } from '@latchkey/bus';
import { EVENTS, type EventContract } from '@latchkey/messages';
import type { Logger } from '@latchkey/runtime';
import type { AuditLog, AuditRecord, AuditWriterRow } from './audit-log';
import type { AuditTrail } from './audit-trail';

/** How records get to the bus. Resolves when they are there for good. */
export type Publish = (contract: EventContract, event: { readonly id: string }, text: string) => Promise<void>;

export interface AuditRelayOptions {
  readonly logger: Logger;
  readonly publish: Publish;
  /** The MAC key of a writer that has died, to close the gaps that it left. */
  readonly macKeyOf: (row: AuditWriterRow) => Promise<KeyObject>;
  readonly now?: () => number;
  /** How often it says how far it has come, and looks for gaps. */
  readonly tickMs?: number;
  /** A writer that has not been seen for so long is dead, and what it left is published by whoever finds it. */
  readonly deadAfterMs?: number;
  /** Records kept in memory while the bus is down; beyond, they are read from the store again. */
  readonly maxQueued?: number;
}

type Told = NonNullable<AuditRecord['event']>;

const AT_ONCE = 64;
/** What is written within it is published together, which costs the bus one message. */
const GATHER_MS = 5;
/** How often a writer that has nothing to say shows that it lives. */
const SIGN_OF_LIFE_MS = 10_000;
const BACKOFF_MS = { first: 100, most: 5_000 };
/** By type: of what an audit record may tell. */
export const CONTRACTS = new Map<string, EventContract>(Object.values(EVENTS).map((event) => [event.type, event]));

/**
 * Brings audit records from the store to the bus until they are acknowledged, under the same id each time. How far it has come is
 * kept in the store: what a process left unpublished when it died is published by another one, or by its next start.
 */
export class AuditRelay {
  #queue: AuditRecord[] = [];
  /** Not written, or perhaps written: what is there in the end is found out. */
  readonly #doubtful = new Set<number>();
  #behind = false;
  #marked = 0;
  #markedAt = 0;
  #stopped = false;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticking: Promise<void> | undefined;
  readonly #now: () => number;

  constructor(
    private readonly log: AuditLog,
    private readonly trail: AuditTrail,
    private readonly options: AuditRelayOptions,
  ) {
    this.#now = options.now ?? Date.now;
  }

  start(): void {
    this.#timer = setInterval(() => void this.tick(), this.options.tickMs ?? 1_000);
    this.#timer.unref();
    void this.tick();
  }

  /** Written: they go to the bus now, whoever waits. */
  written(records: readonly AuditRecord[]): void {
    if (this.#queue.length + records.length > (this.options.maxQueued ?? 10_000)) {
      this.#queue = [];
      this.#behind = true;
    }
    if (!this.#behind) this.#queue.push(...records);
    this.#wake();
  }

  /** Perhaps not written: their numbers must not stay open. */
  givenUp(records: readonly AuditRecord[]): void {
    for (const { sequence } of records) this.#doubtful.add(sequence);
  }

  /** How many records wait for the bus, as far as this process knows. */
  get waiting(): number {
    return this.trail.last - this.trail.settledUpTo;
  }

  /** One round of what is to be done now and then. */
  tick(): Promise<void> {
    this.#ticking ??= this.#tick()
      .catch((err: unknown) => this.options.logger.warn({ err }, 'the audit relay will try again'))
      .finally(() => (this.#ticking = undefined));
    return this.#ticking;
  }

  /** Publishes what it can until the deadline, and says so in the store. What is left is found by the next start. */
  async stop(deadline: Deadline): Promise<void> {
    clearInterval(this.#timer);
    await this.#ticking;
    await this.tick();
    while (this.waiting > 0 && !deadline.expired) await pause(20);
    this.#stopped = true;
    await this.#running;
    if (this.trail.last === 0) return;
    if (this.waiting === 0) await this.log.closeWriter(this.trail.writer, this.trail.last, this.trail.closing());
    else await this.log.markPublished(this.trail.writer, this.trail.settledUpTo, this.#now());
  }

  #wake(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#queue.length > 0 && !this.#stopped) this.#wake();
    });
  }

  async #run(): Promise<void> {
    let backoff = BACKOFF_MS.first;
    while (!this.#stopped && (this.#queue.length > 0 || this.#behind)) {
      if (this.#queue.length < AT_ONCE) await pause(GATHER_MS);
      const batch = this.#queue.length > 0 ? this.#queue.splice(0, AT_ONCE) : await this.#readBehind();
      const left = await this.#publishAll(batch);
      if (left.length === 0) {
        backoff = BACKOFF_MS.first;
        continue;
      }
      this.#queue.unshift(...left);
      await pause(backoff * (0.5 + Math.random() / 2));
      backoff = Math.min(backoff * 2, BACKOFF_MS.most);
    }
  }

  /** Those that could not be published. */
  async #publishAll(records: readonly AuditRecord[]): Promise<AuditRecord[]> {
    const outcomes = await Promise.all(records.map((record) => this.#publish(record)));
    return records.filter((_, at) => !outcomes[at]);
  }

  async #publish(record: AuditRecord): Promise<boolean> {
    try {
      await this.#publishEvent(record.event ?? (JSON.parse(record.body) as Told), record.body);
      if (record.writer === this.trail.writer) this.trail.settle(record.sequence);
      return true;
    } catch (err) {
      this.options.logger.debug(
        { err, writer: record.writer, sequence: record.sequence },
        'an event waits for the bus',
      );
      return false;
    }
  }

  async #publishEvent(event: Told, text: string): Promise<void> {
    const contract = CONTRACTS.get(event.type);
    if (contract) await this.options.publish(contract, event, text);
    else this.options.logger.error({ type: event.type }, 'an audit record of an unknown type');
  }

  /** The bus was down for long: what is not settled is read again from the store. */
  async #readBehind(): Promise<AuditRecord[]> {
    const page = await this.log.recordsAfter(this.trail.writer, this.trail.settledUpTo, 1_000);
    const open = page.filter(({ sequence }) => this.trail.isUnsettled(sequence));
    if (page.length < 1_000) this.#behind = false;
    return open;
  }

  async #tick(): Promise<void> {
    await this.#fillGaps();
    await this.#mark();
    await this.#sweep();
  }

  async #fillGaps(): Promise<void> {
    for (const sequence of this.#doubtful) {
      const there = await this.log.fillGap(this.trail.voidRecord(sequence));
      this.#doubtful.delete(sequence);
      this.written([there]);
    }
  }

  async #mark(): Promise<void> {
    const settled = this.trail.settledUpTo;
    const now = this.#now();
    const due = settled > this.#marked || now - this.#markedAt > SIGN_OF_LIFE_MS;
    if (!due || this.trail.last === 0) return;
    await this.log.markPublished(this.trail.writer, settled, now);
    this.#marked = settled;
    this.#markedAt = now;
  }

  /** What dead writers left. Two that find the same publish the same ids: that is one event. */
  async #sweep(): Promise<void> {
    const dead = (await this.log.writers('open')).filter(
      ({ writer, seenAt }) => writer !== this.trail.writer && this.#now() - seenAt >= this.#deadAfterMs,
    );
    for (const row of dead) await this.#finish(row);
  }

  async #finish(row: AuditWriterRow): Promise<void> {
    const { writer, published } = row;
    let last = published;
    for (;;) {
      const page = await this.log.recordsAfter(writer, last, AT_ONCE);
      if (page.length === 0) break;
      const seen = new Set(page.map(({ sequence }) => sequence));
      const end = page.at(-1)?.sequence ?? last;
      const voids = await this.#voidGaps(
        row,
        numbersBetween(last, end).filter((sequence) => !seen.has(sequence)),
      );
      const left = await this.#publishAll([...page, ...voids]);
      if (left.length > 0) return;
      last = end;
      await this.log.markPublished(writer, last, 0);
    }
    await this.log.closeWriter(writer, last);
    this.options.logger.info({ writer, published: last - published }, 'finished the audit of a writer that has ended');
  }

  /** What was under way when a writer died and did not get there. Its answer did not leave either. */
  async #voidGaps(row: AuditWriterRow, missing: readonly number[]): Promise<AuditRecord[]> {
    if (missing.length === 0) return [];
    const macKey = await this.options.macKeyOf(row);
    return Promise.all(
      missing.map((sequence) => this.log.fillGap(this.trail.voidRecordOf(row.writer, macKey, sequence))),
    );
  }

  get #deadAfterMs(): number {
    return this.options.deadAfterMs ?? 30_000;
  }
}

/** From past `after` up to `end`. */
function numbersBetween(after: number, end: number): number[] {
  return Array.from({ length: end - after }, (_, at) => after + 1 + at);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
