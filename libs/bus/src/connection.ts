import { Fault, type EventContract, type RequestContract } from '@latchkey/messages';
import { readEnvironment, type ServiceContext } from '@latchkey/runtime';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import { SpanKind } from '@opentelemetry/api';
import { z } from 'zod';
import type { BusConnection, Call } from './bus';
import { faultOf } from './fault-headers';
import { measured } from './measured';
import { BusStrategy } from './strategy';
import { inSpan, inTraceOf } from './trace-context';
import { DEADLINE_HEADER, type BusMessage, type Packed, type Transport } from './transport';

export const busEnvironment = z.object({
  BUS_CONCURRENCY: z.coerce
    .number()
    .int()
    .min(1)
    .default(256)
    .describe(
      'requests that a service works on at once; more are refused at once, so that their askers can go elsewhere',
    ),
  BUS_PATIENCE: z.coerce
    .number()
    .min(1)
    .max(100)
    .default(1)
    .describe(
      'how many times as long as their contracts say services wait for one another: more than 1 for an emulator, a debugger, a test',
    ),
});

/** The bus as services see it, over either transport. */
export class TransportConnection implements BusConnection {
  readonly #environment: z.output<typeof busEnvironment>;

  constructor(
    private readonly transport: Transport,
    private readonly service: ServiceContext,
  ) {
    this.#environment = readEnvironment(busEnvironment, service.environment);
  }

  get connected(): boolean {
    return this.transport.connected;
  }

  ask<Req extends z.ZodType, Res extends z.ZodType>(
    contract: RequestContract<Req, Res>,
    request: z.input<Req>,
    call: Call,
  ): Promise<z.output<Res>> {
    return measured(contract.subject, 'asker', () =>
      inSpan(SpanKind.CLIENT, contract.subject, request, (headers) => this.#ask(contract, request, call, headers)),
    );
  }

  async publish<Payload extends z.ZodType>(
    contract: EventContract<Payload>,
    payload: z.input<Payload>,
    text?: string,
  ): Promise<void> {
    const { id, data, traceparent } = payload as { id?: unknown; data?: unknown; traceparent?: string };
    if (typeof id !== 'string') throw new Fault('INVALID_REQUEST', `an event on ${contract.subject} has no id`);
    const append = () =>
      inSpan(SpanKind.PRODUCER, contract.subject, data, (headers) =>
        this.transport.append(id, this.#message(contract.subject, payload, headers, text)),
      );
    // An event is part of the exchange that it tells of, whoever brings it and when.
    await (traceparent === undefined ? append() : inTraceOf({ headers: { traceparent } }, append));
  }

  strategy(): CustomTransportStrategy {
    return new BusStrategy(this.transport, this.service, this.#environment);
  }

  close(): Promise<void> {
    return this.transport.close();
  }

  async #ask<Req extends z.ZodType, Res extends z.ZodType>(
    contract: RequestContract<Req, Res>,
    request: z.input<Req>,
    { deadline }: Call,
    headers: Record<string, string>,
  ): Promise<z.output<Res>> {
    const timeoutMs = Math.min(deadline.remainingMs, contract.timeoutMs * this.#environment.BUS_PATIENCE);
    if (timeoutMs <= 0) throw new Fault('DEADLINE_EXCEEDED', `no time is left to ask ${contract.subject}`);
    if (timeoutMs !== contract.timeoutMs) headers[DEADLINE_HEADER] = timeoutMs.toFixed(0);
    const answer = await this.transport.request(this.#message(contract.subject, request, headers), timeoutMs);
    const fault = faultOf(answer.headers);
    if (fault) throw fault;
    return this.#readReply(contract, answer.body);
  }

  #message(subject: string, value: unknown, headers: Record<string, string>, text?: string): BusMessage {
    const body = this.transport.pack(value, text);
    if (body === undefined) {
      throw new Fault('INVALID_REQUEST', `a message is longer than ${this.transport.maxBytes} bytes`);
    }
    return { subject, body, headers, text };
  }

  /** A reply that its contract does not allow is the answerer's mistake; what is in it stays unsaid. */
  #readReply<Res extends z.ZodType>(contract: RequestContract<z.ZodType, Res>, body: Packed): z.output<Res> {
    const reply = contract.reply.safeParse(this.transport.unpack(body));
    if (reply.success) return reply.data;
    const faults = reply.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.code}`);
    this.service.logger.error({ subject: contract.subject, faults }, 'a reply is not what its contract says');
    throw new Fault('INTERNAL', `the reply of ${contract.subject} is not what its contract says`);
  }
}
