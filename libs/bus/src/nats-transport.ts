import { EnvironmentError, instruments, type ServiceContext } from '@latchkey/runtime';
import { Fault } from '@latchkey/messages';
import { connect, ErrorCode, Events, type Msg, type NatsConnection, NatsError, type Status } from 'nats';
import { AtWork } from './at-work';
import { EventStream } from './event-stream';
import { toNats } from './nats-headers';
import { readNatsSettings, type NatsSettings } from './nats-settings';
import { parseJson, toBytes, writeJson } from './json';
import { NatsInbox } from './nats-inbox';
import { Outgoing } from './outgoing';
import { NoResponders } from './no-responders';
import { Received } from './received';
import type { BusAnswer, BusMessage, EventOptions, Hearing, Packed, Subscription, Transport } from './transport';

const CONNECT_AGAIN_AFTER_MS = 500;

/** Waits for a server that is not there yet. Throws EnvironmentError for credentials that cannot be read or are refused. */
export async function connectNats(context: ServiceContext): Promise<Transport> {
  const settings = readNatsSettings(context);
  for (;;) {
    try {
      return new NatsTransport(await connect(settings.connection), context, settings);
    } catch (error) {
      if (isRefusal(error)) throw new EnvironmentError(REFUSED, { cause: error });
      const { servers } = settings.connection;
      context.logger.warn({ servers, reason: (error as NatsError).code }, 'NATS is not there yet');
      await new Promise((resolve) => setTimeout(resolve, CONNECT_AGAIN_AFTER_MS));
    }
  }
}

const REFUSED =
  'NATS refuses this service: set NATS_NKEY_SEED_FILE or NATS_CREDS to the credentials of a user that NATS_URL knows';

function isRefusal(error: unknown): boolean {
  return error instanceof NatsError && error.isAuthError();
}

class NatsTransport implements Transport {
  readonly maxBytes: number;
  readonly #events: EventStream;
  readonly #inbox: NatsInbox;
  readonly #outgoing = new Outgoing();
  #connected = true;

  constructor(
    private readonly nats: NatsConnection,
    private readonly context: ServiceContext,
    settings: NatsSettings,
  ) {
    this.maxBytes = nats.info?.max_payload ?? 1_048_576;
    this.#inbox = new NatsInbox(nats, this.#outgoing, settings.connection.inboxPrefix);
    this.#events = new EventStream(nats, this.#inbox, this.#outgoing, context.logger, settings, this.maxBytes);
    void this.#watch();
  }

  get connected(): boolean {
    return this.#connected;
  }

  pack(value: unknown, text?: string): string | undefined {
    return writeJson(value, this.maxBytes, text);
  }

  unpack(body: Packed): unknown {
    return parseJson(body as string);
  }

  async request(message: BusMessage, timeoutMs: number): Promise<BusAnswer> {
    this.#insistOnConnection();
    try {
      return await this.#inbox.request(message, timeoutMs);
    } catch (error) {
      throw asFault(message.subject, error);
    }
  }

  async answer(
    subject: string,
    group: string,
    handle: (message: BusMessage) => Promise<BusAnswer>,
  ): Promise<Subscription> {
    const atWork = new AtWork();
    let refusal: NatsError | undefined;
    const subscription = this.nats.subscribe(subject, {
      queue: group,
      callback: (error, message) => {
        if (error) return void (refusal = error);
        atWork.begin();
        void handle(new Received(message)).then((answer) => {
          this.#outgoing.put(() => this.#respond(message, answer));
          atWork.end();
        });
      },
    });
    await this.#subscribed();
    if (refusal) throw new EnvironmentError(`NATS does not let ${group} answer ${subject}`, { cause: refusal });
    return {
      drain: async () => {
        if (!subscription.isClosed()) await subscription.drain().catch(() => undefined);
        await atWork.fewerThan(1);
        this.#outgoing.flush();
        if (!this.nats.isClosed()) await this.nats.flush().catch(() => undefined);
      },
    };
  }

  async append(id: string, message: BusMessage): Promise<void> {
    this.#insistOnConnection();
    try {
      await this.#events.append(id, message);
    } catch (error) {
      throw asFault(message.subject, error);
    }
  }

  hear(subject: string, options: EventOptions, handle: (message: BusMessage) => Promise<Hearing>) {
    return this.#events.hear(subject, options, handle);
  }

  async close(): Promise<void> {
    if (this.nats.isClosed()) return;
    await this.#events.close();
    this.#connected = false;
    this.#outgoing.flush();
    await this.nats.drain().catch(() => this.nats.close());
  }

  #respond(message: Msg, { body, headers }: BusAnswer): void {
    try {
      const carried = toNats(headers);
      message.respond(toBytes(body), carried && { headers: carried });
    } catch (err) {
      this.context.logger.error({ err, subject: message.subject }, 'an answer could not be sent');
    }
  }

  #insistOnConnection(): void {
    if (!this.#connected) throw new Fault('UNAVAILABLE', 'the connection to the bus is down');
  }

  #disconnected(): void {
    this.#connected = false;
    const fault = new Fault('UNAVAILABLE', 'the connection to the bus broke');
    this.#inbox.fail(fault);
  }

  /** Until the server has what was subscribed: after a break the client subscribes again by itself. */
  async #subscribed(): Promise<void> {
    for (;;) {
      try {
        return await this.nats.flush();
      } catch (error) {
        if (this.nats.isClosed() || (error as NatsError).code !== ErrorCode.Disconnect) throw error;
        await new Promise((resolve) => setTimeout(resolve, CONNECT_AGAIN_AFTER_MS));
      }
    }
  }

  /** NATS says so aside: whoever asks would wait in vain. */
  #forbidden(permission: Status['permissionContext']): void {
    if (permission?.operation !== 'publish') return;
    const { subject } = permission;
    this.#inbox.fail(new Fault('FORBIDDEN', `${this.context.name} may not ask ${subject}`), subject);
  }

  async #watch(): Promise<void> {
    const { logger } = this.context;
    for await (const status of this.nats.status()) {
      if (status.type === Events.Disconnect) {
        logger.warn('the connection to NATS broke');
        this.#disconnected();
      } else if (status.type === Events.Reconnect) {
        logger.info('connected to NATS again');
        this.#connected = true;
        instruments.busReconnects.add(1, {});
      } else if (status.type === Events.Error) {
        logger.error({ reason: status.data, permission: status.permissionContext }, 'NATS reports an error');
        this.#forbidden(status.permissionContext);
      }
    }
    this.#disconnected();
  }
}

function asFault(subject: string, error: unknown): Fault {
  if (error instanceof Fault) return error;
  const cause = error as NatsError;
  if (cause.code === ErrorCode.NoResponders) return new NoResponders(subject);
  if (cause.code === ErrorCode.Timeout) {
    return new Fault('DEADLINE_EXCEEDED', `no answer from ${subject} in time`, { cause });
  }
  if (cause.code === ErrorCode.PermissionsViolation) {
    return new Fault('FORBIDDEN', `NATS does not take messages for ${subject} from this service`, { cause });
  }
  return new Fault('UNAVAILABLE', `the bus does not take messages for ${subject} now`, { cause });
}
