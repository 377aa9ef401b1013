import { randomUUID } from 'node:crypto';
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { defineRequest, keyRefused } from '@latchkey/messages';
import { eventually, natsServerPresent, startNatsServer, type NatsServer } from '@latchkey/testing';
import { z } from 'zod';
import { answering, contextOf, hearing, inMs, memoryBus, natsBus, refusal, type BusUnderTest } from './bus-under-test';

const exporter = new InMemorySpanExporter();
beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
});
beforeEach(() => exporter.reset());
afterAll(() => {
  context.disable();
  propagation.disable();
  trace.disable();
});

describe('a trace in memory', () => {
  const bus = memoryBus();
  itCrosses(() => bus);
});

(natsServerPresent() ? describe : describe.skip)('a trace over NATS', () => {
  let server: NatsServer;
  const bus = natsBus(() => server);
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server.stop());
  itCrosses(() => bus);
});

function itCrosses(bus: () => BusUnderTest): void {
  const open: { close(): Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });
  const connected = async (name: string) => {
    const connection = await bus().connect(contextOf(name));
    open.push(connection);
    return connection;
  };

  test('is one from asker to answerer, and names content and keys but no secret', async () => {
    const secret = 'c2VjcmV0';
    const contract = defineRequest({
      subject: `test.v1.${randomUUID()}`,
      timeoutMs: 60_000,
      request: z.object({
        tenant: z.string(),
        contentId: z.string(),
        keys: z.array(z.object({ keyId: z.string(), box: z.string() })),
      }),
      reply: z.object({ key: z.string() }),
    });
    open.push(
      await answering(await connected('answerer'), contextOf('answerer'), contract, async () => {
        trace.getTracer('test').startSpan('inside').end();
        return { key: secret };
      }),
    );
    const asker = await connected('asker');
    const request = { tenant: 'default', contentId: 'film', keys: [{ keyId: 'kid-1', box: secret }] };
    const root = trace.getTracer('test').startSpan('root');
    await context.with(trace.setSpan(context.active(), root), () => asker.ask(contract, request, inMs(60_000)));
    root.end();

    const client = spanOf(SpanKind.CLIENT);
    const server = spanOf(SpanKind.SERVER);
    const inside = exporter.getFinishedSpans().find(({ name }) => name === 'inside')!;
    expect(parentOf(client)).toBe(root.spanContext().spanId);
    expect(parentOf(server)).toBe(client.spanContext().spanId);
    expect(parentOf(inside)).toBe(server.spanContext().spanId);
    expect(traceIds()).toEqual(new Set([root.spanContext().traceId]));
    for (const span of [client, server]) {
      expect(span.attributes).toMatchObject({
        'messaging.destination.name': contract.subject,
        'latchkey.tenant': 'default',
        'latchkey.content_id': 'film',
        'latchkey.key_ids': ['kid-1'],
      });
    }
    expect(
      JSON.stringify(exporter.getFinishedSpans().map(({ attributes, events }) => [attributes, events])),
    ).not.toContain(secret);
  });

  test('says the code of what failed and not its message', async () => {
    const body = z.object({});
    const contract = defineRequest({
      subject: `test.v1.${randomUUID()}`,
      timeoutMs: 60_000,
      request: body,
      reply: body,
    });
    open.push(
      await answering(await connected('answerer'), contextOf('answerer'), contract, async () => {
        throw new Error('c2VjcmV0');
      }),
    );
    await expect((await connected('asker')).ask(contract, {}, inMs(60_000))).rejects.toThrow();
    for (const kind of [SpanKind.CLIENT, SpanKind.SERVER]) {
      expect(spanOf(kind)).toMatchObject({
        status: { message: 'INTERNAL' },
        attributes: { 'error.type': 'INTERNAL' },
        events: [],
      });
    }
  });

  test('goes on where an event is heard', async () => {
    const heard: string[] = [];
    const handle = async ({ id }: { id: string }) => void heard.push(id);
    open.push(await hearing(await connected('hearer'), contextOf('hearer'), keyRefused, {}, handle));
    const publisher = await connected('publisher');
    const event = refusal();
    const root = trace.getTracer('test').startSpan('root');
    await context.with(trace.setSpan(context.active(), root), () => publisher.publish(keyRefused, event));
    await eventually(
      () => heard.includes(event.id) && exporter.getFinishedSpans().some(({ kind }) => kind === SpanKind.CONSUMER),
    );
    expect(parentOf(spanOf(SpanKind.CONSUMER))).toBe(spanOf(SpanKind.PRODUCER).spanContext().spanId);
    expect(spanOf(SpanKind.CONSUMER).spanContext().traceId).toBe(root.spanContext().traceId);
  });

  // A relay tells of an exchange later, from a process and at a time of its own.
  test('of the exchange that an event names is the one in which it is heard', async () => {
    const heard: string[] = [];
    const handle = async ({ id }: { id: string }) => void heard.push(id);
    open.push(await hearing(await connected('hearer'), contextOf('hearer'), keyRefused, {}, handle));
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const event = { ...refusal(), traceparent: `00-${traceId}-b7ad6b7169203331-01` };
    await (await connected('publisher')).publish(keyRefused, event);
    await eventually(
      () => heard.includes(event.id) && exporter.getFinishedSpans().some(({ kind }) => kind === SpanKind.CONSUMER),
    );
    expect(spanOf(SpanKind.CONSUMER).spanContext().traceId).toBe(traceId);
    expect(spanOf(SpanKind.PRODUCER).spanContext().traceId).toBe(traceId);
  });
}

function spanOf(kind: SpanKind): ReadableSpan {
  return exporter.getFinishedSpans().find((span) => span.kind === kind)!;
}

function parentOf(span: ReadableSpan): string | undefined {
  return span.parentSpanContext?.spanId;
}

function traceIds(): Set<string> {
  return new Set(exporter.getFinishedSpans().map((span) => span.spanContext().traceId));
}
