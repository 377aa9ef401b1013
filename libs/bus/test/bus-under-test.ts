import { randomUUID } from 'node:crypto';
import { MessageChannel } from 'node:worker_threads';
import { keyRefused, type EventContract, type RequestContract } from '@latchkey/messages';
import { createContext, ThreadPort, type Environment, type ServiceContext } from '@latchkey/runtime';
import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import type { z } from 'zod';
import {
  Answers,
  connectBus,
  Deadline,
  Hears,
  MemoryHub,
  startAnswering,
  type BusConnection,
  type Call,
  type HearsOptions,
  type Told,
} from '@latchkey/bus';
import { headers as natsHeaders, connect } from 'nats';
import type { NatsServer } from '@latchkey/testing';
import { parseJson } from '../src/json';

/** A bus that the conformance suite is run on. */
export interface BusUnderTest {
  /** Whether all that crosses it crosses as text. */
  readonly textual: boolean;
  connect(context: ServiceContext): Promise<BusConnection>;
  /** A request as a stranger would send it, without our code between. */
  raw(subject: string, body: string, headers?: Record<string, string>): Promise<RawAnswer>;
}
export interface RawAnswer {
  body: string;
  headers: Record<string, string>;
}

export function memoryBus(): BusUnderTest {
  const hub = new MemoryHub();
  return overHubs(() => hub);
}

/** Two hubs, as two threads have them: whoever connects is on the one or on the other, so that all meets all. */
export function twoThreadsBus(): BusUnderTest {
  const { port1, port2 } = new MessageChannel();
  const hubs = [MemoryHub.withEvents(new ThreadPort(port1)), MemoryHub.beside(new ThreadPort(port2))] as const;
  let connections = 0;
  afterAll(() => port1.close());
  return overHubs(() => hubs[connections++ % 2] as MemoryHub);
}

function overHubs(next: () => MemoryHub): BusUnderTest {
  return {
    textual: false,
    connect: async (context) => next().connect(context),
    raw: async (subject, text, headers = {}) => {
      const answer = await next()
        .transport()
        .request({ subject, body: parseJson(text), headers }, 60_000);
      return { body: answer.body === '' ? '' : JSON.stringify(answer.body), headers: { ...answer.headers } };
    },
  };
}

export function natsBus(server: () => NatsServer): BusUnderTest {
  return {
    textual: true,
    connect: (context) => connectBus({ ...context, environment: { ...context.environment, NATS_URL: server().url } }),
    raw: (subject, body, headers) => rawOverNats(server().url, subject, body, headers),
  };
}

async function rawOverNats(servers: string, subject: string, body: string, given: Record<string, string> = {}) {
  const nats = await connect({ servers });
  const headers = natsHeaders();
  for (const [name, value] of Object.entries(given)) headers.set(name, value);
  const answer = await nats.request(subject, body, { timeout: 60_000, headers });
  await nats.close();
  const entries = [...(answer.headers ?? [])].map(([name, values]) => [name, values[0] as string] as const);
  return { body: answer.string(), headers: Object.fromEntries(entries) };
}

export function contextOf(name: string, environment: Environment = {}): ServiceContext {
  return createContext(name, { LOG_LEVEL: 'silent', ...environment });
}

/** A service of one handler. */
export function answering<Req extends z.ZodType, Res extends z.ZodType>(
  connection: BusConnection,
  context: ServiceContext,
  contract: RequestContract<Req, Res>,
  handle: (request: z.output<Req>, call: Call) => Promise<z.input<Res>>,
): Promise<INestMicroservice> {
  @Controller()
  class Answerer {
    @Answers(contract)
    answer(request: z.output<Req>, call: Call): Promise<z.input<Res>> {
      return handle(request, call);
    }
  }
  @Module({ controllers: [Answerer] })
  class AnswererModule {}
  return startAnswering(AnswererModule, connection, context);
}

export function hearing<Payload extends z.ZodType>(
  connection: BusConnection,
  context: ServiceContext,
  contract: EventContract<Payload> | { subject: string },
  options: HearsOptions,
  handle: (event: z.output<Payload>, told: Told) => Promise<void>,
): Promise<INestMicroservice> {
  @Controller()
  class Hearer {
    @Hears(contract, options)
    hear(event: z.output<Payload>, told: Told): Promise<void> {
      return handle(event, told);
    }
  }
  @Module({ controllers: [Hearer] })
  class HearerModule {}
  return startAnswering(HearerModule, connection, context);
}

export function inMs(ms: number): Call {
  return { deadline: Deadline.in(ms) };
}

/** An event that its contract allows. */
export function refusal(id = randomUUID(), sequence = 0): z.input<typeof keyRefused.payload> {
  return {
    specversion: '1.0',
    id,
    source: '/latchkey/test/1',
    type: keyRefused.type,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    data: {
      tenant: 'default',
      contentId: 'content',
      exchangeId: 'exchange-1',
      requester: { encryptorId: 'test' },
      keyIds: [],
      code: 'TEST',
      writer: 'test',
      sequence,
    },
  };
}

/** What a handler waits for until the test lets it go on. */
export function gated() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}
