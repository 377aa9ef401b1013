import { createHmac, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import type { Deadline } from '@latchkey/bus';
import { auditVoided, eventSource, newEvent, type EVENTS, type LatchkeyEvent } from '@latchkey/messages';
import { context, isSpanContextValid, trace } from '@opentelemetry/api';
import { AUDIT_TENANT, type AuditLog, type AuditRecord } from './audit-log';

/** The events that are audited here: those that carry their writer and its count. */
export type AuditedEvent = {
  [Name in keyof typeof EVENTS]: 'sequence' extends keyof Extract<
    LatchkeyEvent,
    { type: (typeof EVENTS)[Name]['type'] }
  >['data']
    ? (typeof EVENTS)[Name]
    : never;
}[keyof typeof EVENTS];

/** What an event says, but for what the trail itself puts in. */
export type Said<Event extends AuditedEvent> = Omit<
  Extract<LatchkeyEvent, { type: Event['type'] }>['data'],
  'writer' | 'sequence'
>;

/** A writer's MAC key, at work. */
interface Writing {
  readonly macKey: KeyObject;
}

export interface AuditTrailOptions {
  readonly instance: string;
  /** A data key of the writer's own, whose plaintext becomes the MAC key. */
  readonly dataKey: (deadline: Deadline) => Promise<{ plaintext: Buffer; encrypted: Buffer }>;
  readonly now?: () => number;
}

/**
 * What this process writes into the audit. Each record is numbered and authenticated; the numbers that are not yet settled
 * (written and published, or void) are known here, for the relay.
 */
export class AuditTrail {
  /** One name for each start of a process: its count begins anew. */
  readonly writer: string;
  readonly #source: string;
  readonly #now: () => number;
  /** In the order of their numbers. */
  readonly #unsettled = new Set<number>();
  #sequence = 0;
  #writing: Writing | undefined;
  #opening: Promise<Writing> | undefined;

  constructor(
    private readonly log: AuditLog,
    private readonly options: AuditTrailOptions,
  ) {
    this.writer = `${options.instance}-${randomBytes(6).toString('hex')}`;
    this.#source = eventSource({ name: 'key-service', instance: options.instance });
    this.#now = options.now ?? Date.now;
  }

  get last(): number {
    return this.#sequence;
  }

  /** All up to it are settled. */
  get settledUpTo(): number {
    for (const first of this.#unsettled) return first - 1;
    return this.#sequence;
  }

  isUnsettled(sequence: number): boolean {
    return this.#unsettled.has(sequence);
  }

  settle(sequence: number): void {
    this.#unsettled.delete(sequence);
  }

  /** Makes sure that there is a MAC key to write with. Throws Fault UNAVAILABLE. */
  async open(deadline: Deadline): Promise<void> {
    if (this.#writing) return;
    this.#opening ??= this.#open(deadline).finally(() => (this.#opening = undefined));
    await this.#opening;
  }

  /** The next record. It must be written, or given up: see AuditRelay. The trail must be open. */
  record<Event extends AuditedEvent>(event: Event, subject: string, said: Said<Event>): AuditRecord {
    return this.#told(event, this.#next(), subject, said);
  }

  #told(contract: AuditedEvent, sequence: number, subject: string | undefined, said: object): AuditRecord {
    const event = this.#event(contract, { writer: this.writer, sequence }, subject, said);
    return { ...this.#authenticated(sequence, JSON.stringify(event)), event };
  }

  #event(
    contract: AuditedEvent,
    number: { writer: string; sequence: number },
    subject: string | undefined,
    said: object,
  ) {
    return newEvent(contract as typeof auditVoided, {
      source: this.#source,
      id: `${number.writer}.${number.sequence}`,
      time: new Date(this.#now()),
      subject,
      traceparent: traceparent(),
      data: { ...said, ...number },
    });
  }

  /** What stands in for a record that was not written: it closes the gap in the count, and the bus gets it like any other. */
  voidRecord(sequence: number): AuditRecord {
    return this.#told(auditVoided, sequence, undefined, {});
  }

  /** The same for a writer that has died: the record that had this number was under way and never got there. */
  voidRecordOf(writer: string, macKey: KeyObject, sequence: number): AuditRecord {
    const event = this.#event(auditVoided, { writer, sequence }, undefined, {});
    const body = JSON.stringify(event);
    return { writer, sequence, body, mac: recordMac(macKey, writer, sequence, body), event };
  }

  /** What the writer says at its end: that there is no more. */
  closing(): Buffer | undefined {
    return this.#writing && closingMac(this.#writing.macKey, this.writer, this.#sequence);
  }

  #next(): number {
    const sequence = ++this.#sequence;
    this.#unsettled.add(sequence);
    return sequence;
  }

  #authenticated(sequence: number, body: string): AuditRecord {
    if (!this.#writing) throw new Error('the audit trail is not open');
    return { writer: this.writer, sequence, body, mac: recordMac(this.#writing.macKey, this.writer, sequence, body) };
  }

  async #open(deadline: Deadline): Promise<Writing> {
    const { plaintext, encrypted } = await this.options.dataKey(deadline);
    const macKey = macKeyOf(plaintext);
    const row = { writer: this.writer, encryptedDataKey: encrypted, published: 0, seenAt: this.#now() };
    await this.log.openWriter(row, deadline);
    this.#writing = { macKey };
    return this.#writing;
  }
}

/** The context that writers' data keys are made under. */
export const AUDIT_CONTEXT = { tenant: AUDIT_TENANT, purpose: 'audit' } as const;

/** Zeroes the plaintext. */
export function macKeyOf(plaintext: Buffer): KeyObject {
  const bytes = Buffer.from(hkdfSync('sha256', plaintext, Buffer.alloc(0), 'latchkey audit mac v1', 32));
  plaintext.fill(0);
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

export function recordMac(macKey: KeyObject, writer: string, sequence: number, body: string): Buffer {
  return createHmac('sha256', macKey).update(`${writer}#${sequence}#`).update(body).digest();
}

export function closingMac(macKey: KeyObject, writer: string, last: number): Buffer {
  return recordMac(macKey, writer, last, 'closed');
}

/** CloudEvents, distributed tracing extension. */
function traceparent(): string | undefined {
  const span = trace.getSpanContext(context.active());
  if (!span || !isSpanContextValid(span)) return undefined;
  return `00-${span.traceId}-${span.spanId}-0${span.traceFlags & 1}`;
}
