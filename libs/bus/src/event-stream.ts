import { randomUUID } from 'node:crypto';
import { instruments, type Logger } from '@latchkey/runtime';
import {
  AckPolicy,
  DeliverPolicy,
  nanos,
  RetentionPolicy,
  StorageType,
  type Consumer,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamManager,
  type JsMsg,
  type NatsConnection,
  type NatsError,
  type StreamConfig,
  type StreamInfo,
} from 'nats';
import { Fault } from '@latchkey/messages';
import { AtWork } from './at-work';
import type { NatsInbox } from './nats-inbox';
import { NoResponders } from './no-responders';
import {
  redeliveryDelayMs,
  type BusAnswer,
  type BusMessage,
  type EventOptions,
  type Hearing,
  type Subscription,
} from './transport';

export const EVENT_STREAM = 'LATCHKEY_EVENTS';
const APPEND_WITHIN_MS = 2_000;
/** A member that died gives its events to others after this. */
const ACK_WAIT_MS = 30_000;
const FETCHED_EVENTS = 16;
/** The shortest that the client allows: a stop waits for it. */
const FETCH_MS = 1_000;
const REOPEN_AFTER_MS = 250;
/** JetStream needs a moment after its server has started. */
const OPENING_ATTEMPTS = 40;

type Handle = (message: JsMsg) => Promise<Hearing>;

/** The JetStream stream of all events: made when it is first needed, and again if it has been wiped. */
export class EventStream {
  readonly #hearers = new Set<Hearer>();

  constructor(
    private readonly nats: NatsConnection,
    private readonly inbox: NatsInbox,
    private readonly logger: Logger,
    private readonly replicas: number,
    private readonly maxAgeDays: number,
  ) {}

  /**
   * Throws Fault, or NatsError. As a request of our own: the client's costs an error object for each, and has no way to fail what
   * waits when the connection breaks.
   */
  async append(id: string, { subject, body, headers }: BusMessage): Promise<void> {
    const message = { subject, body, headers: { ...headers, [MESSAGE_ID]: id } };
    let ack: BusAnswer;
    try {
      ack = await this.inbox.request(message, APPEND_WITHIN_MS);
    } catch (error) {
      // Nobody takes the subject: there is no stream yet, or no longer.
      if (!(error instanceof NoResponders)) throw error;
      await this.#ensureStream(await this.#manager());
      ack = await this.inbox.request(message, APPEND_WITHIN_MS);
    }
    insistOnStored(ack);
  }

  async hear(subject: string, options: EventOptions, handle: Handle): Promise<Subscription> {
    const cursor = new Cursor();
    const open = () => this.#open(subject, options, cursor);
    const hearer = new Hearer(open, options, cursor, handle, this.logger);
    this.#hearers.add(hearer);
    await hearer.start();
    return hearer;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#hearers].map((hearer) => hearer.drain()));
  }

  async #open(subject: string, { durable }: EventOptions, cursor: Cursor): Promise<Consumer> {
    const manager = await this.#manager();
    const stream = await this.#ensureStream(manager);
    const { name } = await ensureConsumer(manager, {
      filter_subject: subject,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
      max_ack_pending: 1_000,
      ...(durable === undefined ? fromHere(cursor, stream) : fromTheBeginning(durable)),
    });
    return this.nats.jetstream().consumers.get(EVENT_STREAM, name);
  }

  #manager(): Promise<JetStreamManager> {
    return this.nats.jetstreamManager({ checkAPI: false, timeout: APPEND_WITHIN_MS });
  }

  /** Two that make it at once make one: the configuration is the same. */
  async #ensureStream(manager: JetStreamManager): Promise<StreamInfo> {
    try {
      return await manager.streams.info(EVENT_STREAM);
    } catch (error) {
      if ((error as NatsError).api_error?.err_code !== STREAM_NOT_FOUND) throw error;
      return manager.streams.add(streamConfig(this.replicas, this.maxAgeDays));
    }
  }
}

/** JetStream's header of deduplication. */
const MESSAGE_ID = 'Nats-Msg-Id';

/** JetStream acknowledges with the stream and the sequence, or says what went wrong (ADR-1 of NATS). */
function insistOnStored({ body }: BusAnswer): void {
  const { stream, error } = JSON.parse(body as string) as { stream?: string; error?: { description?: string } };
  if (stream === undefined) throw new Fault('UNAVAILABLE', `the event log refuses: ${error?.description ?? 'unknown'}`);
}

/** JSStreamNotFoundErr and JSConsumerAlreadyExists of nats-server. */
const STREAM_NOT_FOUND = 10059;
const CONSUMER_EXISTS = 10148;

/** A durable one that an older version made is brought up to date, and goes on where it was. */
async function ensureConsumer(manager: JetStreamManager, config: Partial<ConsumerConfig>): Promise<ConsumerInfo> {
  try {
    return await manager.consumers.add(EVENT_STREAM, config);
  } catch (error) {
    const { durable_name: durable } = config;
    if (durable === undefined || (error as NatsError).api_error?.err_code !== CONSUMER_EXISTS) throw error;
    return manager.consumers.update(EVENT_STREAM, durable, config);
  }
}

function streamConfig(replicas: number, maxAgeDays: number): Partial<StreamConfig> {
  return {
    name: EVENT_STREAM,
    subjects: ['event.>'],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    max_age: nanos(maxAgeDays * 24 * 3_600_000),
    num_replicas: replicas,
    /** Only a first net: whoever keeps events tells doubles by their id, for ever. */
    duplicate_window: nanos(120_000),
  };
}

function fromTheBeginning(durable: string): Partial<ConsumerConfig> {
  return { durable_name: durable, deliver_policy: DeliverPolicy.All };
}

function fromHere(cursor: Cursor, stream: StreamInfo): Partial<ConsumerConfig> {
  return {
    // Named, so that JetStream's subject for making it holds what it hears, and permissions can say what that may be.
    name: randomUUID(),
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: cursor.nextOf(stream),
    inactive_threshold: nanos(60_000),
    mem_storage: true,
  };
}

/**
 * How far an ephemeral hearer has come: its consumer is gone after a restart of nats-server, and what was stated meanwhile must
 * not be missed. A stream that has been made anew is heard from its beginning.
 */
class Cursor {
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
class Hearer implements Subscription {
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
      max_messages: Math.max(FETCHED_EVENTS, 2 * this.options.inFlight),
      expires: FETCH_MS,
    });
    for await (const message of messages) {
      if (this.#draining) {
        message.nak();
        continue;
      }
      this.#atWork.begin();
      void this.handle(message).then((hearing) => {
        try {
          this.#heard(message, hearing);
        } finally {
          this.#atWork.end();
        }
      });
      await this.#atWork.fewerThan(this.options.inFlight);
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

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
