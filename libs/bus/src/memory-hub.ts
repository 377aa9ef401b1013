import { Fault } from '@latchkey/messages';
import type { ServiceContext, ThreadPort } from '@latchkey/runtime';
import { Answerers, type Answer } from './answerers';
import type { BusConnection } from './bus';
import { TransportConnection } from './connection';
import { DistantEventLog, HubLink, shareEventLog } from './hub-link';
import { fitsAsJson } from './json';
import { MemoryEventLog } from './memory-event-log';
import { NoResponders } from './no-responders';
import type {
  BusAnswer,
  BusMessage,
  EventLog,
  EventOptions,
  Hearing,
  Packed,
  Subscription,
  Transport,
} from './transport';

/** A bus within one process: every connection of one hub is on it. It means the same as NATS, and keeps the last events only as long as it lives. */
export class MemoryHub {
  readonly #parts: Parts;

  constructor(parts: Parts = partsOfOneThread()) {
    this.#parts = parts;
  }

  /** One bus with the hub of the thread behind the port, whose other end has the events. */
  static beside(port: ThreadPort): MemoryHub {
    const answerers = new Answerers();
    return new MemoryHub({ answerers, answering: new HubLink(port, answerers), events: new DistantEventLog(port) });
  }

  /** The other one of two: events are kept here. */
  static withEvents(port: ThreadPort): MemoryHub {
    const answerers = new Answerers();
    const events = new MemoryEventLog();
    shareEventLog(port, events);
    return new MemoryHub({ answerers, answering: new HubLink(port, answerers), events });
  }

  connect(context: ServiceContext): BusConnection {
    return new TransportConnection(this.transport(), context);
  }

  transport(): Transport {
    return new MemoryTransport(this.#parts);
  }
}

interface Parts {
  /** Of this thread and of the other. */
  readonly answerers: Pick<Answerers, 'choose'>;
  readonly answering: {
    add(subject: string, group: string, answer: Answer): Subscription | Promise<Subscription>;
  };
  readonly events: EventLog;
}

function partsOfOneThread(): Parts {
  const answerers = new Answerers();
  return { answerers, answering: answerers, events: new MemoryEventLog() };
}

/** nats-server's own default. */
const MAX_BYTES = 1_048_576;

class MemoryTransport implements Transport {
  readonly maxBytes = MAX_BYTES;
  readonly #subscriptions = new Set<Subscription>();
  connected = true;

  constructor(private readonly parts: Parts) {}

  /** As it is: whoever is given it, by way of a contract, has a copy. */
  pack(value: unknown): Packed | undefined {
    return fitsAsJson(value, this.maxBytes) ? value : undefined;
  }

  unpack(body: Packed): unknown {
    return body;
  }

  async request(message: BusMessage, timeoutMs: number): Promise<BusAnswer> {
    this.#insistOnConnection();
    const handlers = this.parts.answerers.choose(message.subject);
    if (handlers.length === 0) throw new NoResponders(message.subject);
    return new Promise((resolve, reject) => {
      const late = () => reject(new Fault('DEADLINE_EXCEEDED', `no answer from ${message.subject} in time`));
      const timer = setTimeout(late, timeoutMs);
      const answered = (answer: BusAnswer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      for (const handle of handlers) void handle(message).then(answered, reject);
    });
  }

  async answer(subject: string, group: string, answer: Answer): Promise<Subscription> {
    return this.#keep(await this.parts.answering.add(subject, group, answer));
  }

  async append(id: string, message: BusMessage): Promise<void> {
    this.#insistOnConnection();
    await this.parts.events.append(id, message);
  }

  async hear(subject: string, options: EventOptions, handle: (message: BusMessage) => Promise<Hearing>) {
    return this.#keep(await this.parts.events.hear(subject, options, handle));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.drain()));
    this.connected = false;
  }

  #insistOnConnection(): void {
    if (!this.connected) throw new Fault('UNAVAILABLE', 'the connection to the bus is closed');
  }

  #keep(subscription: Subscription): Subscription {
    this.#subscriptions.add(subscription);
    return subscription;
  }
}
