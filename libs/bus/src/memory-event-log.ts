import { Fault } from '@latchkey/messages';
import { AtWork } from './at-work';
import {
  redeliveryDelayMs,
  type BusMessage,
  type EventLog,
  type EventOptions,
  type Hearing,
  type Subscription,
} from './transport';

type Handle = (message: BusMessage) => Promise<Hearing>;
interface Delivery {
  readonly message: BusMessage;
  attempt: number;
}

/** An id that comes again within so many events is no new event; a durable consumer may be as many behind. */
const KNOWN_EVENTS = 10_000;
/** What a durable consumer that is new begins with: those of one process all join while it starts. */
const KEPT_EVENTS = 256;

/** Events in order, with what JetStream means by durable consumers and deduplication, as long as the process lives. */
export class MemoryEventLog implements EventLog {
  readonly #known = new Recent<string>(KNOWN_EVENTS);
  readonly #ids = new Set<string>();
  readonly #kept = new Recent<BusMessage>(KEPT_EVENTS);
  readonly #durables = new Map<string, Consumer>();
  readonly #consumers = new Set<Consumer>();

  /** Throws Fault UNAVAILABLE while a durable consumer is so far behind that it would lose the event: the publisher keeps it. */
  append(id: string, message: BusMessage): void {
    if (this.#ids.has(id)) return;
    for (const durable of this.#durables.values()) {
      if (durable.full) throw new Fault('UNAVAILABLE', 'a consumer of events is too far behind');
    }
    const forgotten = this.#known.add(id);
    if (forgotten !== undefined) this.#ids.delete(forgotten);
    this.#ids.add(id);
    this.#kept.add(message);
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
    for (const message of this.#kept.inOrder()) consumer.offer(message);
    return consumer;
  }

  #consumer(subject: string): Consumer {
    const consumer = new Consumer(subject);
    this.#consumers.add(consumer);
    return consumer;
  }
}

/** The last `size` of what was added. */
class Recent<T> {
  readonly #ring: T[] = [];
  #oldest = 0;

  constructor(private readonly size: number) {}

  /** Gives back what it has forgotten for it. */
  add(one: T): T | undefined {
    if (this.#ring.length < this.size) {
      this.#ring.push(one);
      return undefined;
    }
    const forgotten = this.#ring[this.#oldest];
    this.#ring[this.#oldest] = one;
    this.#oldest = (this.#oldest + 1) % this.size;
    return forgotten;
  }

  inOrder(): T[] {
    return [...this.#ring.slice(this.#oldest), ...this.#ring.slice(0, this.#oldest)];
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
    return this.#waiting.length >= KNOWN_EVENTS;
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
  readonly #atWork = new AtWork();
  #left = false;

  constructor(
    private readonly consumer: Consumer,
    private readonly handle: Handle,
    private readonly inFlight: number,
    private readonly onLeave: () => void,
  ) {}

  wake(): void {
    while (!this.#left && this.#atWork.count < this.inFlight) {
      const delivery = this.consumer.take();
      if (!delivery) return;
      void this.#deliver(delivery);
    }
  }

  async leave(): Promise<void> {
    this.#left = true;
    this.onLeave();
    await this.#atWork.fewerThan(1);
  }

  async #deliver(delivery: Delivery): Promise<void> {
    delivery.attempt++;
    this.#atWork.begin();
    // Not in the publisher's own turn.
    await undefined;
    if ((await this.handle(delivery.message)) === 'again') this.consumer.again(delivery);
    this.#atWork.end();
    this.wake();
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
