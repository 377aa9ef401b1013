import { eventually, natsServerPresent, startNatsServer, type NatsServer } from '@latchkey/testing';
import { keyRefused } from '@latchkey/messages';
import { AckPolicy, connect, nanos } from 'nats';
import { randomUUID } from 'node:crypto';
import { EVENT_STREAM } from '../src/event-stream';
import { contextOf, hearing, natsBus, refusal } from './bus-under-test';
import { itIsABus } from './bus.conformance';

const describeNats = natsServerPresent() ? describe : describe.skip;

describeNats('the bus over NATS', () => {
  let server: NatsServer;
  const bus = natsBus(() => server);
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server.stop());

  itIsABus(() => bus);

  test('a durable consumer that an older version made goes on, with what this version says of it', async () => {
    const durable = randomUUID();
    const publisher = await bus.connect(contextOf('publisher'));
    const [before, after] = [refusal(), refusal()];
    await publisher.publish(keyRefused, before);
    const nats = await connect({ servers: server.url });
    const manager = await nats.jetstreamManager();
    const old = { durable_name: durable, ack_policy: AckPolicy.Explicit, filter_subject: keyRefused.subject };
    await manager.consumers.add(EVENT_STREAM, { ...old, ack_wait: nanos(100_000), max_ack_pending: 7 });
    const taken = await (await nats.jetstream().consumers.get(EVENT_STREAM, durable)).next();
    expect(await taken?.ackAck()).toBe(true);

    const heard: string[] = [];
    const connection = await bus.connect(contextOf('hearer'));
    const handle = async ({ id }: { id: string }) => void heard.push(id);
    const service = await hearing(connection, contextOf('hearer'), keyRefused, { durable }, handle);
    await publisher.publish(keyRefused, after);
    await eventually(() => heard.includes(after.id));
    expect(heard).not.toContain(taken?.json<{ id: string }>().id);
    expect((await manager.consumers.info(EVENT_STREAM, durable)).config).toMatchObject({
      max_ack_pending: 1_000,
      ack_wait: nanos(30_000),
    });
    for (const each of [service, connection, publisher, nats]) await each.close();
  });

  test('events that are published at once are few messages, each stored and acknowledged once', async () => {
    const publisher = await bus.connect(contextOf('publisher'));
    await publisher.publish(keyRefused, refusal());
    const nats = await connect({ servers: server.url });
    const stored = async () => (await (await nats.jetstreamManager()).streams.info(EVENT_STREAM)).state.last_seq;
    const before = await stored();
    await Promise.all(Array.from({ length: 40 }, () => publisher.publish(keyRefused, refusal())));
    expect((await stored()) - before).toBe(3);
    for (const each of [publisher, nats]) await each.close();
  });
});
