import { randomUUID } from 'node:crypto';
import { connectBus, type BusConnection } from '@latchkey/bus';
import { formatUuid, keyIdGuidBytes, parseKeyId, type KeyId } from '@latchkey/cenc';
import { importKeys, sealingKey, SealingPair, type LatchkeyEvent } from '@latchkey/messages';
import { createContext, type RunningService, type ServiceContext } from '@latchkey/runtime';
import { temporaryDirectory, eventually, natsServerPresent, startNatsServer, type NatsServer } from '@latchkey/testing';
import { connect, type NatsConnection } from 'nats';
import { startKeyService } from '../src/index';
import { contentKeyOf, selfSigned } from './certificates';
import { call, RunningServices } from './running-service';
import { newKeyId } from './stores';

const describeNats = natsServerPresent() ? describe : describe.skip;

describeNats('key service on NATS', () => {
  const directory = temporaryDirectory();
  let nats: NatsServer;
  let services: RunningServices;
  let service: RunningService;
  let connection: BusConnection;
  let listener: NatsConnection;
  /** Every byte that crossed the bus. */
  const heard: Buffer[] = [];

  beforeAll(async () => {
    nats = await startNatsServer();
    listener = await connect({ servers: nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    const context = contextOf();
    connection = await connectBus(context);
    service = await startKeyService(context, connection);
    const place = {
      environment: {},
      store: () => {
        throw new Error('not here');
      },
    };
    services = new RunningServices(place, directory);
    services.bus = await connectBus(contextOf());
    // Whoever listens to all subjects answers for those that nobody has: the stream is to be there first.
    await services.issue([newKeyId()]);
    await eventually(async () => (await everyKeptEvent(listener)).length > 0);
    listener.subscribe('>', {
      callback: (_, message) => {
        const headers = message.headers
          ? [...message.headers].map(([name, values]) => `${name}: ${values.join()}`)
          : [];
        heard.push(Buffer.from(`${message.subject}\n${headers.join('\n')}\n`), Buffer.from(message.data));
      },
    });
  });
  afterAll(async () => {
    await services.bus.close();
    await service.close();
    await connection.close();
    await listener.close();
    await nats.stop();
  });

  const contextOf = (): ServiceContext =>
    createContext('key-service', { LOG_LEVEL: 'silent', BUS_PATIENCE: '30', NATS_URL: nats.url, DATA_DIR: directory });
  const events = () =>
    heard.flatMap((bytes) => {
      const text = bytes.toString();
      return /^\[?\{"specversion"/.test(text) ? [JSON.parse(text) as LatchkeyEvent | LatchkeyEvent[]].flat() : [];
    });

  it('lets nobody who listens to everything see a key in any form', async () => {
    // promises 9, 10
    const contentId = randomUUID();
    const keyIds = Array.from({ length: 20 }, newKeyId);
    const issued = await services.issue(keyIds, { contentId });
    await services.issue(keyIds, { contentId });
    await services.release(keyIds, { contentId });
    const { base64 } = await selfSigned();
    await services.ask(
      services.request(keyIds, { contentId, delivery: { kind: 'recipients', certificates: [base64] } }),
    );
    const brought = contentKeyOf(0x5a);
    await bring(contentId, newKeyId(), brought);
    await eventually(() => events().filter((event) => event.subject === `default/${contentId}`).length >= 5);

    const keys = [...issued.map(({ key }) => Buffer.from(key, 'hex')), brought.expose((bytes) => Buffer.from(bytes))];
    const all = Buffer.concat(heard);
    expect(all.length).toBeGreaterThan(20_000);
    for (const key of keys) expect(formsOf(key).filter((form) => all.includes(form))).toEqual([]);
    // The listener would have noticed: it did hear the checksums, which are in the open.
    expect(issued.every(({ checksum }) => all.includes(checksum))).toBe(true);
  });

  it('brings every audit record to the bus once it is there again, each as one event', async () => {
    // promises 19, 21
    const contentId = randomUUID();
    const exchanges: string[] = [];
    const ask = async () => {
      const exchangeId = randomUUID();
      await services.issue([newKeyId()], { contentId, exchangeId });
      exchanges.push(exchangeId);
    };
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 10; n++) await ask();
      await nats.kill();
      await nats.restart();
      await eventually(() => services.bus.connected && connection.connected);
      for (let n = 0; n < 10; n++) await untilAnswered(ask);
    }
    // From the stream itself: the listener was away at times.
    const mine = async () => {
      const kept = await everyKeptEvent(listener);
      return kept.filter((event) => 'contentId' in event.data && event.data.contentId === contentId);
    };
    const ofExchanges = async () => {
      const ids = new Map(
        (await mine()).map((event) => [event.id, 'exchangeId' in event.data && event.data.exchangeId]),
      );
      return [...ids.values()].filter((exchangeId) => exchanges.includes(String(exchangeId)));
    };
    await eventually(async () => new Set(await ofExchanges()).size === exchanges.length);
    expect(await ofExchanges()).toHaveLength(exchanges.length);
  });

  async function bring(contentId: string, keyId: KeyId, key: ReturnType<typeof contentKeyOf>): Promise<void> {
    const { publicKey } = await services.bus.ask(sealingKey, {}, call());
    const pair = new SealingPair();
    const box = pair.seal(publicKey, key, { tenant: 'default', contentId, keyId });
    const about = { tenant: 'default', contentId, exchangeId: randomUUID(), requester: { encryptorId: 'operator' } };
    await services.bus.ask(importKeys, { ...about, sealedBy: pair.publicKey, keys: [{ keyId, box }] }, call());
  }
});

/** As bytes, hex in both cases, both base64 alphabets at all three offsets, and all that in GUID order. */
function formsOf(key: Buffer): (Buffer | string)[] {
  const orders = [key, keyIdGuidBytes(parseKeyId(formatUuid(key))), Buffer.from(key).reverse()];
  return orders.flatMap((bytes) => [
    bytes,
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    formatUuid(bytes),
    ...[0, 1, 2].flatMap((offset) => ['base64', 'base64url'].map((form) => middle(bytes, offset, form as 'base64'))),
  ]);
}

/** What base64 of something longer has in it, if the key begins `offset` bytes into a group of three. */
function middle(bytes: Buffer, offset: number, form: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString(form)
    .replace(/=+$/, '');
  return text.slice(offset === 0 ? 0 : 4, -2);
}

/** All that JetStream has, from the beginning. */
async function everyKeptEvent(nats: NatsConnection): Promise<LatchkeyEvent[]> {
  const manager = await nats.jetstreamManager();
  const [stream = ''] = await manager.streams.names().next();
  if (stream === '') return [];
  const { state } = await manager.streams.info(stream);
  const consumer = await nats.jetstream().consumers.get(stream);
  const events: LatchkeyEvent[] = [];
  for await (const message of await consumer.fetch({ max_messages: Math.max(1, state.messages), expires: 2_000 })) {
    events.push(...[message.json<LatchkeyEvent | LatchkeyEvent[]>()].flat());
  }
  return events;
}

async function untilAnswered(ask: () => Promise<void>): Promise<void> {
  await eventually(() =>
    ask().then(
      () => true,
      () => false,
    ),
  );
}
