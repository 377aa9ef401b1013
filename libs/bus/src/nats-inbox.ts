import { Fault } from '@latchkey/messages';
import { createInbox, type Msg, type NatsConnection } from 'nats';
import { toBytes } from './json';
import { fromNats, toNats } from './nats-headers';
import { NoResponders } from './no-responders';
import type { Outgoing } from './outgoing';
import type { BusAnswer, BusMessage } from './transport';

interface Waiting {
  readonly subject: string;
  readonly timer: NodeJS.Timeout;
  resolve(answer: BusAnswer): void;
  reject(error: Error): void;
}

/** NATS's status for a request that nobody is subscribed to. */
const NO_RESPONDERS = 503;

/**
 * Where the answers of all requests of a connection arrive: one subscription, a token for each request. The client's own has no
 * way to fail what is waiting when the connection breaks.
 */
export class NatsInbox {
  readonly #prefix: string;
  readonly #waiting = new Map<string, Waiting>();
  #tokens = 0;
  #open = false;

  constructor(
    private readonly nats: NatsConnection,
    private readonly outgoing: Outgoing,
    inboxPrefix: string | undefined,
  ) {
    this.#prefix = `${createInbox(inboxPrefix)}.`;
  }

  /** Throws NoResponders, Fault DEADLINE_EXCEEDED, or what the connection does not let through. */
  request(message: BusMessage, timeoutMs: number): Promise<BusAnswer> {
    this.#ensureOpen();
    const { subject } = message;
    const token = (++this.#tokens).toString(36);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#take(token)?.reject(new Fault('DEADLINE_EXCEEDED', `no answer from ${subject} in time`));
      }, timeoutMs);
      this.#waiting.set(token, { subject, timer, resolve, reject });
      this.outgoing.put(() => this.#send(message, token));
    });
  }

  #send({ subject, body, headers }: BusMessage, token: string): void {
    // What has failed meanwhile, with the connection, is not asked any more.
    if (!this.#waiting.has(token)) return;
    const reply = this.#prefix + token;
    try {
      const carried = toNats(headers);
      this.nats.publish(subject, toBytes(body), carried ? { reply, headers: carried } : { reply });
    } catch (error) {
      this.#take(token)?.reject(error as Error);
    }
  }

  /** Those that wait, or only those of one subject, need wait no longer. */
  fail(fault: Fault, subject?: string): void {
    for (const [token, waiting] of this.#waiting) {
      if (subject === undefined || waiting.subject === subject) this.#take(token)?.reject(fault);
    }
  }

  #ensureOpen(): void {
    if (this.#open) return;
    this.nats.subscribe(`${this.#prefix}*`, { callback: (error, answer) => !error && this.#answered(answer) });
    this.#open = true;
  }

  #answered(answer: Msg): void {
    const waiting = this.#take(answer.subject.slice(this.#prefix.length));
    if (!waiting) return;
    const { headers } = answer;
    if (headers?.code === NO_RESPONDERS) waiting.reject(new NoResponders(waiting.subject));
    else waiting.resolve({ body: answer.string(), headers: fromNats(headers) });
  }

  #take(token: string): Waiting | undefined {
    const waiting = this.#waiting.get(token);
    if (waiting) clearTimeout(waiting.timer);
    this.#waiting.delete(token);
    return waiting;
  }
}
