import { randomUUID } from 'node:crypto';
import type { Logger } from '@latchkey/runtime';
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
  type NatsConnection,
  type NatsError,
  type StreamConfig,
  type StreamInfo,
} from 'nats';
import { Fault } from '@latchkey/messages';
import { EventGatherer } from './event-batch';
import { Cursor, Hearer, type Handle } from './event-hearer';
import type { NatsInbox } from './nats-inbox';
import type { NatsSettings } from './nats-settings';
import { NoResponders } from './no-responders';
import type { Outgoing } from './outgoing';
import type { BusAnswer, BusMessage, EventOptions, Subscription } from './transport';

export const EVENT_STREAM = 'LATCHKEY_EVENTS';
const APPEND_WITHIN_MS = 2_000;
/** A member that died gives its events to others after this. */
const ACK_WAIT_MS = 30_000;

type StreamSettings = Pick<NatsSettings, 'replicas' | 'maxAgeDays'>;

/** The JetStream stream of all events: made when it is first needed, and again if it has been wiped. */
export class EventStream {
  readonly #hearers = new Set<Hearer>();
  readonly #gatherer: EventGatherer;

  constructor(
    private readonly nats: NatsConnection,
    private readonly inbox: NatsInbox,
    outgoing: Outgoing,
    private readonly logger: Logger,
    private readonly settings: StreamSettings,
    maxBytes: number,
  ) {
    this.#gatherer = new EventGatherer(outgoing, (id, message) => this.#store(id, message), maxBytes);
  }

  /** Throws Fault, or NatsError. */
  append(id: string, message: BusMessage): Promise<void> {
    return this.#gatherer.append(id, message);
  }

  /**
   * As a request of our own: the client's costs an error object for each, and has no way to fail what waits when the connection
   * breaks.
   */
  async #store(id: string, { subject, body, headers }: BusMessage): Promise<void> {
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
      return manager.streams.add(streamConfig(this.settings));
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

function streamConfig({ replicas, maxAgeDays }: StreamSettings): Partial<StreamConfig> {
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
