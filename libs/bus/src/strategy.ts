import { cloudEvent, EVENTS, Fault, type RequestContract } from '@latchkey/messages';
import { instruments, type ServiceContext } from '@latchkey/runtime';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { SpanKind } from '@opentelemetry/api';
import { z } from 'zod';
import type { Told } from './bus';
import { Deadline } from './deadline';
import type { HandlerExtras, HeardContract, HearsOptions } from './decorators';
import { faultAnswer } from './fault-headers';
import { measured } from './measured';
import { inSpan, inTraceOf } from './trace-context';
import {
  DEADLINE_HEADER,
  type BusAnswer,
  type BusMessage,
  type Hearing,
  type Packed,
  type Subscription,
  type Transport,
} from './transport';

/** Nest's end of the bus: what its controllers answer and hear becomes subscriptions when the microservice listens. */
export class BusStrategy extends Server implements CustomTransportStrategy {
  readonly #handlers: { handler: MessageHandler; extras: HandlerExtras }[] = [];
  readonly #subscriptions: Subscription[] = [];
  #atWork = 0;

  constructor(
    private readonly bus: Transport,
    private readonly service: ServiceContext,
    private readonly limits: { readonly BUS_CONCURRENCY: number; readonly BUS_PATIENCE: number },
  ) {
    super();
  }

  /** Kept apart, not chained as Nest does: each handler is a subscription of its own. */
  override addHandler(pattern: unknown, handler: MessageHandler, _isEvent?: boolean, extras?: object): void {
    if (!extras || !('answers' in extras || 'hears' in extras)) {
      throw new Error(`the handler of ${String(pattern)} has no contract: use @Answers or @Hears`);
    }
    this.#handlers.push({ handler, extras: extras as HandlerExtras });
  }

  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      this.#subscriptions.push(...(await Promise.all(this.#handlers.map((one) => this.#subscribe(one)))));
    } catch (error) {
      return callback(error);
    }
    callback();
  }

  async close(): Promise<void> {
    await Promise.all(this.#subscriptions.splice(0).map((subscription) => subscription.drain()));
  }

  on(): void {}

  unwrap<T>(): T {
    return this.bus as T;
  }

  #subscribe({ handler, extras }: { handler: MessageHandler; extras: HandlerExtras }): Promise<Subscription> {
    if ('answers' in extras) {
      const { answers } = extras;
      return this.bus.answer(answers.subject, this.service.name, (message) => this.#answer(answers, handler, message));
    }
    const { hears, options } = extras;
    return this.bus.hear(hears.subject, eventOptions(options), async (message) => {
      const hearing = await this.#hear(hears, handler, message);
      if (hearing === 'again') instruments.eventRedeliveries.add(1, { consumer: options.durable ?? 'none' });
      if (hearing === 'unusable') instruments.eventsUnusable.add(1, {});
      return hearing;
    });
  }

  async #answer(contract: RequestContract, handler: MessageHandler, message: BusMessage): Promise<BusAnswer> {
    if (this.#atWork >= this.limits.BUS_CONCURRENCY) {
      instruments.busShed.add(1, {});
      return faultAnswer(new Fault('UNAVAILABLE', `${this.service.name} has too much to do`));
    }
    this.#atWork++;
    try {
      return await inTraceOf(message, () =>
        measured(contract.subject, 'answerer', () => this.#work(contract, handler, message)),
      );
    } catch (error) {
      return faultAnswer(this.#asFault(contract.subject, error));
    } finally {
      this.#atWork--;
    }
  }

  async #work(contract: RequestContract, handler: MessageHandler, message: BusMessage): Promise<BusAnswer> {
    const deadline = this.#deadlineOf(message, contract);
    if (deadline.expired) throw new Fault('DEADLINE_EXCEEDED', `a request on ${contract.subject} came too late`);
    const request = contract.request.safeParse(this.bus.unpack(message.body));
    if (!request.success) throw invalidRequest(request.error);
    const { data } = request;
    const reply = await inSpan(SpanKind.SERVER, contract.subject, data, () => handler(data, { deadline }));
    return { body: this.#pack(contract.subject, reply), headers: {} };
  }

  /** What the asker says, but no longer than the contract does. */
  #deadlineOf({ headers }: BusMessage, { timeoutMs }: RequestContract): Deadline {
    const said = headers[DEADLINE_HEADER];
    if (said === undefined) return Deadline.in(timeoutMs);
    const most = timeoutMs * this.limits.BUS_PATIENCE;
    const left = Number(said);
    return Deadline.in(Number.isFinite(left) ? Math.min(left, most) : most);
  }

  #pack(subject: string, reply: unknown): Packed {
    const body = this.bus.pack(reply);
    if (body === undefined) throw new Error(`a reply on ${subject} is longer than ${this.bus.maxBytes} bytes`);
    return body;
  }

  async #hear(contract: HeardContract, handler: MessageHandler, message: BusMessage): Promise<Hearing> {
    const schema = contract.payload ?? EVENT_SCHEMAS.get(message.subject) ?? ANY_EVENT;
    const { body, text = typeof body === 'string' ? body : undefined } = message;
    const event = schema.safeParse(this.bus.unpack(body));
    if (!event.success) {
      const faults = issuesOf(event.error);
      this.service.logger.error({ subject: message.subject, faults }, 'an event is not what its contract says');
      return 'unusable';
    }
    return this.#hand(event.data, { text }, handler, message);
  }

  async #hand(event: unknown, told: Told, handler: MessageHandler, message: BusMessage): Promise<Hearing> {
    const { subject } = message;
    const data = (event as { data?: unknown }).data;
    try {
      await inTraceOf(message, () => inSpan(SpanKind.CONSUMER, subject, data, () => handler(event, told)));
      return 'heard';
    } catch (err) {
      this.service.logger.error({ err, subject }, 'an event could not be handled and will come again');
      return 'again';
    }
  }

  #asFault(subject: string, error: unknown): Fault {
    if (error instanceof Fault) return error;
    this.service.logger.error({ err: error, subject }, 'a handler failed');
    return new Fault('INTERNAL', `${this.service.name} failed`);
  }
}

/** By subject, for those who hear many with one handler. */
const EVENT_SCHEMAS = new Map<string, z.ZodType>(
  Object.values(EVENTS).map(({ subject, payload }) => [subject, payload]),
);
/** An event of a newer version. */
const ANY_EVENT = cloudEvent('', z.unknown()).extend({ type: z.string() });

function eventOptions(options: HearsOptions) {
  return { durable: options.durable, inFlight: options.inFlight ?? 1 };
}

/** Without the subject: the text may reach who stands outside. */
function invalidRequest(error: z.ZodError): Fault {
  return new Fault('INVALID_REQUEST', `a request is not what its contract says: ${issuesOf(error).join('; ')}`);
}

/** Places and kinds, not values. */
function issuesOf(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.code}`);
}
