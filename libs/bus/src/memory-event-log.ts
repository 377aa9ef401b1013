import { Fault } from '@latchkey/messages';
import { redeliveryDelayMs, type BusMessage, type EventOptions, type Hearing, type Subscription } from './transport';

type Handle = (message: BusMessage) => Promise<Hearing>;
interface Entry {
  readonly sequence: number;
  readonly message: BusMessage;
}
interface Delivery {
  readonly message: BusMessage;
  attempt: number;
}

const KEPT_EVENTS = 10_000;

/**
 * Events in order, the last 10,000 of them, with what JetStream means by a stream, its durable consumers and its deduplication,
 * as long as the process lives.
 */
export class MemoryEventLog {
  readonly #entries = new Map<string, Entry>();
  readonly #durables = new Map<string, Consumer>();
  readonly #consumers = new Set<Consumer>();
  #sequence = 0;

  /** Throws Fault UNAVAILABLE while a durable consumer is so far behind that it would lose the event: the publisher keeps it. */
  append(id: string, message: BusMessage): void {
    if (this.#entries.has(id)) return;
    for (const durable of this.#durables.values()) {
      if (durable.full) throw new Fault('UNAVAILABLE', 'a consumer of events is too far behind');
    }
    this.#entries.set(id, { sequence: ++this.#sequence, message });
    if (this.#entries.size > KEPT_EVENTS) this.#entries.delete(this.#entries.keys().next().value as string);
    for (const consumer of this.#consumers) consumer.offer(message);
  }

  hear(subject: string, { durable, inFlight }: EventOptions, handle: Handle): Subscription {
    const consumer = durable === undefined ? this.#consumer(subject) : this.#durable(durable, subject);
    const member = consumer.join(handle, inFlight);
    return {
      drain: async () => {
        await member.leave();
        if (durable === undefined) this.#consumers.delete(consumer);
      },
    };
  }

  /** A new one begins with what the log still has; one that is known goes on where it was. */
  #durable(name: string, subject: string): Consumer {
    const known = this.#durables.get(name);
    if (known) return known;
    const consumer = this.#consumer(subject);
    this.#durables.set(name, consumer);
    for (const { message } of this.#entries.values()) consumer.offer(message);
    return consumer;
  }

  #consumer(subject: string): Consumer {
    const consumer = new Consumer(subject);
    this.#consumers.add(consumer);
    return consumer;
  }
}

/** What is still to be delivered of the subjects it is for, and those who share it. */
class Consumer {
  readonly #waiting: Delivery[] = [];
  readonly #members = new Set<Member>();
  /** By subject: there are few. */
  readonly #wanted = new Map<string, boolean>();

  constructor(private readonly pattern: string) {}

  get full(): boolean {
    return this.#waiting.length >= KEPT_EVENTS;
  }

  /** One that is not durable misses what it is too slow for. */
  offer(message: BusMessage): void {
    if (!this.#wants(message.subject)) return;
    if (this.full) this.#waiting.shift();
    this.#waiting.push({ message, attempt: 0 });
    this.#wake();
  }

  #wants(subject: string): boolean {
    const known = this.#wanted.get(subject);
    if (known !== undefined) return known;
    const wanted = matchesSubject(this.pattern, subject);
    this.#wanted.set(subject, wanted);
    return wanted;
  }

  join(handle: Handle, inFlight: number): Member {
    const member: Member = new Member(this, handle, inFlight, () => this.#members.delete(member));
    this.#members.add(member);
    member.wake();
    return member;
  }

  take(): Delivery | undefined {
    return this.#waiting.shift();
  }

  again(delivery: Delivery): void {
    const timer = setTimeout(() => {
      this.#waiting.unshift(delivery);
      this.#wake();
    }, redeliveryDelayMs(delivery.attempt));
    timer.unref();
  }

  #wake(): void {
    for (const member of this.#members) member.wake();
  }
}

class Member {
  readonly #atWork = new Set<Promise<void>>();
  #left = false;

  constructor(
    private readonly consumer: Consumer,
    private readonly handle: Handle,
    private readonly inFlight: number,
    private readonly onLeave: () => void,
  ) {}

  wake(): void {
    while (!this.#left && this.#atWork.size < this.inFlight) {
      const delivery = this.consumer.take();
      if (!delivery) return;
      const work = this.#deliver(delivery).finally(() => {
        this.#atWork.delete(work);
        this.wake();
      });
      this.#atWork.add(work);
    }
  }

  async leave(): Promise<void> {
    this.#left = true;
    this.onLeave();
    await Promise.allSettled(this.#atWork);
  }

  async #deliver(delivery: Delivery): Promise<void> {
    delivery.attempt++;
    // Not in the publisher's own turn.
    await Promise.resolve();
    if ((await this.handle(delivery.message)) === 'again') this.consumer.again(delivery);
  }
}

/** NATS subjects: `*` stands for one token, a last `>` for one or more. */
export function matchesSubject(pattern: string, subject: string): boolean {
  const tokens = subject.split('.');
  const wanted = pattern.split('.');
  const open = wanted.at(-1) === '>';
  if (open ? tokens.length < wanted.length : tokens.length !== wanted.length) return false;
  return wanted.every(
    (token, at) => token === '*' || token === tokens[at] || (token === '>' && at === wanted.length - 1),
  );
}
