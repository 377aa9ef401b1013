import type { Logger } from '@latchkey/runtime';
import {
  AckPolicy,
  DeliverPolicy,
  ErrorCode,
  nanos,
  RetentionPolicy,
  StorageType,
  type ConsumerConfig,
  type ConsumerMessages,
  type JsMsg,
  type MsgHdrs,
  type NatsConnection,
  type NatsError,
  type StreamConfig,
} from 'nats';
import { redeliveryDelayMs, type EventOptions, type Hearing, type Subscription } from './transport';

const STREAM = 'LATCHKEY_EVENTS';
const APPEND_WITHIN_MS = 2_000;
/** A member that died gives its events to others after this. */
const ACK_WAIT_MS = 30_000;

const STREAM_CONFIG = {
  name: STREAM,
  subjects: ['event.>'],
  storage: StorageType.File,
  retention: RetentionPolicy.Limits,
  max_age: nanos(7 * 24 * 3_600_000),
  /** Only a first net: whoever keeps events tells doubles by their id, for ever. */
  duplicate_window: nanos(120_000),
} satisfies Partial<StreamConfig>;

type Handle = (message: JsMsg) => Promise<Hearing>;

/** The JetStream stream of all events: made when it is first needed, and again if it has been wiped. */
export class EventStream {
  readonly #consumers = new Set<Subscription>();

  constructor(
    private readonly nats: NatsConnection,
    private readonly logger: Logger,
  ) {}

  async append(id: string, subject: string, body: string, headers: MsgHdrs): Promise<void> {
    const publish = () =>
      this.nats.jetstream({ timeout: APPEND_WITHIN_MS }).publish(subject, body, { msgID: id, headers });
    try {
      await publish();
    } catch (error) {
      // Nobody takes the subject: there is no stream yet.
      if ((error as NatsError).code !== ErrorCode.NoResponders) throw error;
      await this.#ensureStream();
      await publish();
    }
  }

  async hear(subject: string, options: EventOptions, handle: Handle): Promise<Subscription> {
    const manager = await this.#ensureStream();
    const config: Partial<ConsumerConfig> = {
      filter_subject: subject,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
      max_ack_pending: 1_000,
      ...(options.durable === undefined
        ? { deliver_policy: DeliverPolicy.New, inactive_threshold: nanos(60_000), mem_storage: true }
        : { durable_name: options.durable, deliver_policy: DeliverPolicy.All }),
    };
    const { name } = await manager.consumers.add(STREAM, config);
    const consumer = await this.nats.jetstream().consumers.get(STREAM, name);
    const messages = await consumer.consume({ max_messages: Math.max(16, options.inFlight) });
    return this.#keep(new Hearer(messages, options.inFlight, handle, this.logger));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer.drain()));
  }

  async #ensureStream() {
    const manager = await this.nats.jetstreamManager({ checkAPI: false });
    try {
      await manager.streams.info(STREAM);
    } catch {
      await manager.streams.add(STREAM_CONFIG);
    }
    return manager;
  }

  #keep(subscription: Subscription): Subscription {
    this.#consumers.add(subscription);
    return subscription;
  }
}

class Hearer implements Subscription {
  readonly #atWork = new Set<Promise<void>>();
  readonly #run: Promise<void>;

  constructor(
    private readonly messages: ConsumerMessages,
    private readonly inFlight: number,
    private readonly handle: Handle,
    logger: Logger,
  ) {
    this.#run = this.#consume().catch((err: unknown) => logger.error({ err }, 'events are no longer heard'));
  }

  async drain(): Promise<void> {
    await this.messages.close();
    await this.#run;
    await Promise.allSettled(this.#atWork);
  }

  async #consume(): Promise<void> {
    for await (const message of this.messages) {
      const work = this.#deliver(message).finally(() => this.#atWork.delete(work));
      this.#atWork.add(work);
      if (this.#atWork.size >= this.inFlight) await Promise.race(this.#atWork);
    }
  }

  async #deliver(message: JsMsg): Promise<void> {
    const hearing = await this.handle(message);
    if (hearing === 'heard') message.ack();
    else if (hearing === 'unusable') message.term();
    else message.nak(redeliveryDelayMs(message.info.deliveryCount));
  }
}
