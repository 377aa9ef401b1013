import { Fault } from '@latchkey/messages';
import type { ServiceContext } from '@latchkey/runtime';
import type { BusConnection } from './bus';
import { TransportConnection } from './connection';
import { fitsAsJson } from './json';
import { MemoryEventLog } from './memory-event-log';
import { NoResponders } from './no-responders';
import type { BusAnswer, BusMessage, EventOptions, Hearing, Packed, Subscription, Transport } from './transport';

type Handle = (message: BusMessage) => Promise<BusAnswer>;

/** A bus within one process: every connection of one hub is on it. It means the same as NATS, and keeps the last events only as long as it lives. */
export class MemoryHub {
  readonly #answerers = new Answerers();
  readonly #events = new MemoryEventLog();

  connect(context: ServiceContext): BusConnection {
    return new TransportConnection(this.transport(), context);
  }

  transport(): Transport {
    return new MemoryTransport(this.#answerers, this.#events);
  }
}

/** nats-server's own default. */
const MAX_BYTES = 1_048_576;

class MemoryTransport implements Transport {
  readonly maxBytes = MAX_BYTES;
  readonly #subscriptions = new Set<Subscription>();
  connected = true;

  constructor(
    private readonly answerers: Answerers,
    private readonly events: MemoryEventLog,
  ) {}

  /** As it is: whoever is given it, by way of a contract, has a copy. */
  pack(value: unknown): Packed | undefined {
    return fitsAsJson(value, this.maxBytes) ? value : undefined;
  }

  unpack(body: Packed): unknown {
    return body;
  }

  async request(message: BusMessage, timeoutMs: number): Promise<BusAnswer> {
    this.#insistOnConnection();
    const handlers = this.answerers.choose(message.subject);
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

  async answer(subject: string, group: string, handle: Handle): Promise<Subscription> {
    return this.#keep(this.answerers.add(subject, group, handle));
  }

  async append(id: string, message: BusMessage): Promise<void> {
    this.#insistOnConnection();
    this.events.append(id, message);
  }

  async hear(subject: string, options: EventOptions, handle: (message: BusMessage) => Promise<Hearing>) {
    return this.#keep(this.events.hear(subject, options, handle));
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

/** Who answers what: in each group of a subject, one after the other. */
class Answerers {
  readonly #groups = new Map<string, Map<string, Handle[]>>();

  add(subject: string, group: string, handle: Handle): Subscription {
    const atWork = new Set<Promise<unknown>>();
    const member: Handle = (message) => {
      // Not in the asker's own turn: as over a network, it goes on first.
      const work = Promise.resolve().then(() => handle(message));
      atWork.add(work);
      return work.finally(() => atWork.delete(work));
    };
    const members = this.#members(subject, group);
    members.push(member);
    return {
      drain: async () => {
        this.#remove(subject, group, member);
        while (atWork.size > 0) await Promise.allSettled(atWork);
      },
    };
  }

  choose(subject: string): Handle[] {
    const groups = this.#groups.get(subject);
    if (!groups) return [];
    return [...groups.values()].map((members) => {
      const next = members.shift() as Handle;
      members.push(next);
      return next;
    });
  }

  #members(subject: string, group: string): Handle[] {
    const groups = this.#groups.get(subject) ?? new Map<string, Handle[]>();
    this.#groups.set(subject, groups);
    const members = groups.get(group) ?? [];
    groups.set(group, members);
    return members;
  }

  #remove(subject: string, group: string, member: Handle): void {
    const groups = this.#groups.get(subject);
    const left = groups?.get(group)?.filter((other) => other !== member) ?? [];
    if (left.length > 0) groups?.set(group, left);
    else groups?.delete(group);
    if (groups?.size === 0) this.#groups.delete(subject);
  }
}
