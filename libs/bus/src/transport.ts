/** What crosses the bus: a body that the transport has packed, and what is said about it. */
export interface BusMessage {
  readonly subject: string;
  readonly body: Packed;
  readonly headers: BusHeaders;
  /** The body's JSON, where the body is none and somebody has written it already. */
  readonly text?: string | undefined;
}

export interface BusAnswer {
  readonly body: Packed;
  readonly headers: BusHeaders;
}

/** JSON text between processes; within one, the value itself, which nobody changes any more. */
export type Packed = unknown;

/** One value for each name; names are compared as written. */
export type BusHeaders = Readonly<Record<string, string>>;

/** Milliseconds that the asker still waits, when it sent the request. Absent: as long as the contract says. */
export const DEADLINE_HEADER = 'Latchkey-Deadline-Ms';
/** As the NATS services framework has them, so that its tools show our faults: FaultCode, and the detail. */
export const ERROR_CODE_HEADER = 'Nats-Service-Error-Code';
export const ERROR_HEADER = 'Nats-Service-Error';

/** What became of an event: done; to be delivered again; or no good, now and later. */
export type Hearing = 'heard' | 'again' | 'unusable';

export interface Subscription {
  /** No new messages; resolves when those in flight are done. */
  drain(): Promise<void>;
}

export interface EventOptions {
  /** The name under which progress is kept; without one, only events from now on. */
  readonly durable?: string | undefined;
  /** Events handled at once; 1 keeps their order. */
  readonly inFlight: number;
}

/** Events in order, with durable consumers and deduplication. */
export interface EventLog {
  /** Throws Fault UNAVAILABLE while the event cannot be kept: the publisher keeps it. */
  append(id: string, message: BusMessage): void | Promise<void>;
  hear(
    subject: string,
    options: EventOptions,
    handle: (message: BusMessage) => Promise<Hearing>,
  ): Subscription | Promise<Subscription>;
}

/**
 * The narrow port below the bus: moves bodies between processes, or within one, and knows nothing of contracts.
 * NATS and memory implement it and pass one conformance suite.
 */
export interface Transport {
  readonly connected: boolean;
  /** The largest body that it takes, in bytes of JSON. */
  readonly maxBytes: number;

  /** Makes a body of a value that JSON can say, and has said if there is a `text`; undefined for what is larger than `maxBytes`. */
  pack(value: unknown, text?: string): Packed | undefined;

  /** What was packed; undefined, which no contract allows, for what is no JSON. */
  unpack(body: Packed): unknown;

  /** Throws NoResponders, or Fault UNAVAILABLE or DEADLINE_EXCEEDED. */
  request(message: BusMessage, timeoutMs: number): Promise<BusAnswer>;

  /** `handle` never throws. One member of each group is given a request. */
  answer(subject: string, group: string, handle: (message: BusMessage) => Promise<BusAnswer>): Promise<Subscription>;

  /** Resolves when the event is in the log; an id that is in it already is no new event. */
  append(id: string, message: BusMessage): Promise<void>;

  /** `subject` may end in `>` or hold `*`. `handle` never throws. */
  hear(
    subject: string,
    options: EventOptions,
    handle: (message: BusMessage) => Promise<Hearing>,
  ): Promise<Subscription>;

  close(): Promise<void>;
}

/** The nth delivery of an event failed: how long until the next one. */
export function redeliveryDelayMs(attempt: number): number {
  return Math.min(30_000, 100 * 2 ** Math.min(attempt - 1, 10));
}
