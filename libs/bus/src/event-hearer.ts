import { setTimeout as delay } from 'node:timers/promises';
import { instruments, type Logger } from '@latchkey/runtime';
import type { Consumer, JsMsg, StreamInfo } from 'nats';
import { AtWork } from './at-work';
import { eventsIn } from './event-batch';
import { Received } from './received';
import { redeliveryDelayMs, type BusMessage, type EventOptions, type Hearing, type Subscription } from './transport';

const FETCHED_MESSAGES = 16;
/** The shortest that the client allows: a stop waits for it. */
const FETCH_MS = 1_000;
const REOPEN_AFTER_MS = 250;
/** JetStream needs a moment after its server has started. */
const OPENING_ATTEMPTS = 40;

/** Never throws. */
export type Handle = (event: BusMessage) => Promise<Hearing>;

/**
 * How far an ephemeral hearer has come: its consumer is gone after a restart of nats-server, and what was stated meanwhile must
 * not be missed. A stream that has been made anew is heard from its beginning.
 */
export class Cursor {
  #stream: string | undefined;
  #next = 0;

  nextOf({ created, state }: StreamInfo): number {
    if (this.#stream !== created) this.#next = this.#stream === undefined ? state.last_seq + 1 : 1;
    this.#stream = created;
    return this.#next;
  }

  seen(message: JsMsg): void {
    this.#next = Math.max(this.#next, message.seq + 1);
  }
}

/** Hears until it is drained, whatever happens to the server, the stream and the consumer. */
export class Hearer implements Subscription {
  readonly #atWork = new AtWork();
  #consumer: Consumer | undefined;
  #running: Promise<void> = Promise.resolve();
  #draining = false;

  constructor(
    private readonly open: () => Promise<Consumer>,
    private readonly options: EventOptions,
    private readonly cursor: Cursor,
    private readonly handle: Handle,
    private readonly logger: Logger,
  ) {}

  /** Throws when JetStream does not let it begin. */
  async start(): Promise<void> {
    for (let attempt = 1; !this.#consumer; attempt++) {
      try {
        this.#consumer = await this.open();
      } catch (error) {
        if (attempt === OPENING_ATTEMPTS) throw error;
        await delay(REOPEN_AFTER_MS);
      }
    }
    this.#running = this.#run();
  }

  /** What has been fetched is finished or given back at once: the wait is for the last fetch to end. */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.#running;
    await this.#atWork.fewerThan(1);
  }

  async #run(): Promise<void> {
    while (!this.#draining) {
      try {
        this.#consumer ??= await this.open();
        await this.#fetch(this.#consumer);
      } catch (err) {
        this.logger.warn({ err }, 'events are not heard for a moment');
        this.#consumer = undefined;
        await delay(REOPEN_AFTER_MS);
      }
    }
  }

  async #fetch(consumer: Consumer): Promise<void> {
    const messages = await consumer.fetch({
      max_messages: Math.max(FETCHED_MESSAGES, 2 * this.options.inFlight),
      expires: FETCH_MS,
    });
    for await (const message of messages) {
      if (this.#draining) {
        message.nak();
        continue;
      }
      const delivery = new Delivery(message, (hearing) => this.#heard(message, hearing));
      for (const event of delivery.events) {
        this.#atWork.begin();
        void this.handle(event).then((hearing) => {
          try {
            delivery.settle(hearing);
          } finally {
            this.#atWork.end();
          }
        });
        await this.#atWork.fewerThan(this.options.inFlight);
      }
    }
  }

  #heard(message: JsMsg, hearing: Hearing): void {
    const { durable } = this.options;
    if (durable === undefined) this.cursor.seen(message);
    else if (instruments.eventLag.on) instruments.eventLag.record(message.info.pending, { consumer: durable });
    if (hearing === 'heard') message.ack();
    else if (hearing === 'unusable') message.term();
    else message.nak(redeliveryDelayMs(message.info.deliveryCount));
  }
}

/** One of those in a message. */
class ReceivedEvent extends Received {
  constructor(
    message: JsMsg,
    private readonly json: string,
  ) {
    super(message);
  }

  override get body(): string {
    return this.json;
  }
}

/** A message, and what becomes of the events in it: it is done when all of them are. */
class Delivery {
  readonly events: readonly BusMessage[];
  #open: number;
  #outcome: Hearing = 'unusable';

  constructor(
    message: JsMsg,
    private readonly done: (outcome: Hearing) => void,
  ) {
    this.events = eventsIn(message.string()).map((body) => new ReceivedEvent(message, body));
    this.#open = this.events.length;
  }

  /** Of one event. If one is to come again they all do: an event may be heard more than once. */
  settle(hearing: Hearing): void {
    if (RANK[hearing] > RANK[this.#outcome]) this.#outcome = hearing;
    if (--this.#open === 0) this.done(this.#outcome);
  }
}

const RANK = { unusable: 0, heard: 1, again: 2 } as const;
