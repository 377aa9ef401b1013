import { randomUUID } from 'node:crypto';
import { defineRequest, Fault, keyRefused } from '@latchkey/messages';
import { EnvironmentError } from '@latchkey/runtime';
import { eventually, natsServerPresent, startNatsServer, type NatsServer } from '@latchkey/testing';
import { z } from 'zod';
import { busCheck, connectBus, NoResponders, type BusConnection } from '@latchkey/bus';
import { answering, contextOf, gated, hearing, inMs, natsBus, refusal } from './bus-under-test';

const describeNats = natsServerPresent() ? describe : describe.skip;

// promise 24
describeNats('when nats-server', () => {
  let server: NatsServer;
  const bus = natsBus(() => server);
  const open: { close(): Promise<unknown> }[] = [];

  beforeEach(async () => {
    server = await startNatsServer();
  });
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
    await server.stop();
  });

  async function connected(name = 'asker'): Promise<BusConnection> {
    const connection = await bus.connect(contextOf(name));
    open.push(connection);
    return connection;
  }

  async function serving(contract: ReturnType<typeof echoing>, handle = async (request: { n: number }) => request) {
    const connection = await connected('answerer');
    open.push(await answering(connection, contextOf('answerer'), contract, handle));
    return connection;
  }

  test('is killed, what is in flight fails at once, and after its restart all work again by themselves', async () => {
    const contract = echoing();
    const gate = gated();
    let begun = 0;
    const answerer = await serving(contract, async (request) => {
      begun++;
      if (request.n === 0) await gate.opened;
      return request;
    });
    const asker = await connected();
    // A time limit beyond the test's own.
    const inFlight = asker.ask(contract, { n: 0 }, inMs(3_600_000));
    const failed = expect(inFlight).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await eventually(() => begun === 1);
    for (let round = 1; round <= 3; round++) {
      await server.kill();
      await failed;
      await eventually(() => !asker.connected && !answerer.connected);
      expect(busCheck(asker).check()).toBe(false);
      const refused = asker.ask(contract, { n: 1 }, inMs(3_600_000));
      await expect(refused).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(refused).rejects.not.toBeInstanceOf(NoResponders);
      await server.restart();
      await eventually(() => asker.connected && answerer.connected);
      expect(await asker.ask(contract, { n: round }, inMs(60_000))).toEqual({ n: round });
    }
    gate.open();
  });

  test('is killed, events go on: the durable consumer and the caches miss none', async () => {
    const publisher = await connected();
    const heard: Record<string, string[]> = { durable: [], ephemeral: [] };
    for (const kind of ['durable', 'ephemeral']) {
      const connection = await connected('hearer');
      const options = kind === 'durable' ? { durable: 'ledger' } : {};
      const handle = async ({ id }: { id: string }) => void heard[kind]!.push(id);
      open.push(await hearing(connection, contextOf('hearer'), keyRefused, options, handle));
    }
    const ids: string[] = [];
    const publish = async () => {
      const event = refusal();
      await publisher.publish(keyRefused, event);
      ids.push(event.id);
    };
    await taken(publish);
    await eventually(() => heard['ephemeral']!.length > 0);
    for (let round = 0; round < 2; round++) {
      await server.kill();
      await expect(publisher.publish(keyRefused, refusal())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await server.restart();
      await eventually(() => publisher.connected);
      await taken(publish);
      await taken(publish);
    }
    for (const kind of ['durable', 'ephemeral']) {
      await eventually(() => ids.every((id) => heard[kind]!.includes(id)));
      // An event whose acknowledgement was lost is kept as well, and nobody can know.
      expect([...new Set(heard[kind])].filter((id) => ids.includes(id))).toEqual(ids);
    }
  });

  test('has lost its store, the stream is made anew and events go on', async () => {
    const publisher = await connected();
    const heard: string[][] = [[], []];
    for (const [at, options] of [{ durable: 'ledger' }, {}].entries()) {
      const connection = await connected('hearer');
      const handle = async ({ id }: { id: string }) => void heard[at]!.push(id);
      open.push(await hearing(connection, contextOf('hearer'), keyRefused, options, handle));
    }
    const before = Array.from({ length: 5 }, () => refusal());
    for (const event of before) await taken(() => publisher.publish(keyRefused, event));
    await eventually(() => heard.every((mine) => before.every(({ id }) => mine.includes(id))));
    await server.kill();
    server.wipe();
    await server.restart();
    await eventually(() => publisher.connected);
    const after = refusal();
    await taken(() => publisher.publish(keyRefused, after));
    await eventually(() => heard.every((mine) => mine.includes(after.id)));
  });

  test('says nothing more, an asker waits no longer than its deadline', async () => {
    const contract = echoing();
    await serving(contract);
    const asker = await connected();
    await server.pause();
    await expect(asker.ask(contract, { n: 1 }, inMs(100))).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    server.resume();
    expect(await asker.ask(contract, { n: 2 }, inMs(60_000))).toEqual({ n: 2 });
  });

  test('is not there yet, a service waits for it', async () => {
    await server.kill();
    const connecting = connected();
    await new Promise((resolve) => setTimeout(resolve, 200));
    await server.restart();
    expect((await connecting).connected).toBe(true);
  });

  test('is killed while a service starts, it starts all the same', async () => {
    const contract = echoing();
    const answerer = await connected('answerer');
    const asker = await connected();
    await server.pause();
    const starting = answering(answerer, contextOf('answerer'), contract, async (request) => request);
    await server.kill();
    await eventually(() => !answerer.connected);
    await server.restart();
    open.push(await starting);
    await eventually(() => asker.connected && answerer.connected);
    expect(await asker.ask(contract, { n: 1 }, inMs(60_000))).toEqual({ n: 1 });
  });

  test('has no JetStream, events are UNAVAILABLE and requests work', async () => {
    await server.stop();
    server = await startNatsServer({ jetStream: false });
    const contract = echoing();
    await serving(contract);
    const asker = await connected();
    await expect(asker.publish(keyRefused, refusal())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await asker.ask(contract, { n: 1 }, inMs(60_000))).toEqual({ n: 1 });
  });

  test('refuses who connects, the service says which variable names its credentials', async () => {
    await server.stop();
    server = await startNatsServer({ configuration: 'authorization { user: someone, password: else }' });
    const connecting = connectBus(contextOf('asker', { NATS_URL: server.url }));
    await expect(connecting).rejects.toBeInstanceOf(EnvironmentError);
    await expect(connecting).rejects.toThrow('NATS_NKEY_SEED_FILE');
    const unreadable = connectBus(contextOf('asker', { NATS_URL: server.url, NATS_CREDS: '/nowhere/at.all' }));
    await expect(unreadable).rejects.toThrow('NATS_CREDS');
  });
});

function echoing() {
  const body = z.object({ n: z.number() });
  return defineRequest({ subject: `test.v1.${randomUUID()}`, timeoutMs: 3_600_000, request: body, reply: body });
}

/** JetStream needs a moment after its server is there: until then publishing is UNAVAILABLE, and to be tried again. */
async function taken(publish: () => Promise<void>): Promise<void> {
  await eventually(() =>
    publish().then(
      () => true,
      (error: unknown) => expect(error).toBeInstanceOf(Fault),
    ),
  );
}
