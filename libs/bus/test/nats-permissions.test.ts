import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SYSTEM_IDS } from '@latchkey/cenc';
import {
  exchangeCompleted,
  keyRefused,
  keyRevoked,
  releaseKeys,
  SERVICES,
  sealingKey,
  signalingFor,
  type RequestContract,
  type ServiceName,
} from '@latchkey/messages';
import type { ServiceContext } from '@latchkey/runtime';
import {
  ensureBuilt,
  eventually,
  natsServerPresent,
  startNatsServer,
  temporaryDirectory,
  type NatsServer,
} from '@latchkey/testing';
import { connectBus, type BusConnection } from '@latchkey/bus';
import { connect, nkeyAuthenticator, type NatsConnection } from 'nats';
import { EVENT_STREAM } from '../src/event-stream';
import { natsPermissions } from '../src/nats-permissions';
import { answering, contextOf, hearing, inMs, refusal } from './bus-under-test';

const DEPLOY = join(__dirname, '../../../deploy/nats');
const PERMISSIONS = join(DEPLOY, 'permissions.conf');

test('deploy/nats/permissions.conf says what the roles of libs/messages say', () => {
  if (process.env['UPDATE_DOCS']) writeFileSync(PERMISSIONS, natsPermissions());
  expect(readFileSync(PERMISSIONS, 'utf8')).toBe(natsPermissions());
});

// promise 10
(natsServerPresent() ? describe : describe.skip)('on a nats-server with deploy/nats', () => {
  let server: NatsServer;
  let identities: string;
  const open: { close(): Promise<unknown> }[] = [];

  beforeAll(async () => {
    identities = temporaryDirectory();
    // Its names of services come from what is built.
    ensureBuilt(join(DEPLOY, '../../libs/messages'));
    execFileSync(process.execPath, [join(DEPLOY, 'make-identities.mjs'), identities]);
    server = await startNatsServer({ scheme: 'tls', configuration: configuration(), environment: publicKeys() });
  });
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });
  afterAll(() => server.stop());

  /** What deploy/nats/nats.conf says, for this machine. */
  function configuration(): string {
    return `tls { cert_file: "${identities}/server.pem", key_file: "${identities}/server.key" }\n${natsPermissions()}`;
  }

  function publicKeys(): Record<string, string> {
    const lines = readFileSync(join(identities, 'nats.env'), 'utf8').trim().split('\n');
    return Object.fromEntries(lines.map((line) => line.split('=') as [string, string]));
  }

  function contextFor(name: ServiceName): ServiceContext {
    return contextOf(name, {
      // Contracts wait a second or two, a busy machine may not come to it.
      BUS_PATIENCE: '30',
      NATS_URL: server.url,
      NATS_NKEY_SEED_FILE: join(identities, '{service}.seed'),
      NATS_TLS_CA: join(identities, 'ca.pem'),
    });
  }

  async function connected(name: ServiceName): Promise<BusConnection> {
    const connection = await connectBus(contextFor(name));
    open.push(connection);
    return connection;
  }

  /** A compromised service: whatever NATS lets its credentials do, without our code. */
  async function intruder(name: ServiceName): Promise<NatsConnection> {
    const connection = await connect({
      servers: server.url,
      tls: { ca: readFileSync(join(identities, 'ca.pem'), 'utf8') },
      authenticator: nkeyAuthenticator(Buffer.from(readFileSync(join(identities, `${name}.seed`), 'ascii').trim())),
      inboxPrefix: `_INBOX.${name}`,
    });
    open.push(connection);
    return connection;
  }

  async function answerAs(name: ServiceName, contract: RequestContract, reply: unknown) {
    open.push(await answering(await connected(name), contextFor(name), contract, async () => reply));
  }

  test('every service may ask and answer what its role says, over TLS', async () => {
    await answerAs('key-service', sealingKey, { publicKey: 'AAAA' });
    await answerAs('signaling-widevine', signalingFor(SYSTEM_IDS.widevine), { keys: [] });
    const gateway = await connected('speke-gateway');
    expect(await gateway.ask(sealingKey, {}, inMs(60_000))).toEqual({ publicKey: 'AAAA' });
    expect(await gateway.ask(signalingFor(SYSTEM_IDS.widevine), signalingRequest(), inMs(60_000))).toEqual({
      keys: [],
    });
  });

  test('a system that nobody answers is still known at once', async () => {
    const unknown = signalingFor('00000000-0000-0000-0000-00000000abcd' as never);
    await expect(
      (await connected('speke-gateway')).ask(unknown, signalingRequest(), inMs(60_000)),
    ).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      subject: unknown.subject,
    });
  });

  test('the gateway cannot ask for what only key-delivery may, nor a player’s door for what only the gateway may', async () => {
    const release = {
      tenant: 'default',
      contentId: 'c',
      exchangeId: 'exchange-1',
      keyIds: [],
      reason: 'player',
      publicKey: '',
    };
    await answerAs('key-service', releaseKeys, { keys: [], sealedBy: '' });
    const asked = (await connected('speke-gateway')).ask(releaseKeys, release as never, inMs(60_000));
    await expect(asked).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect((await connected('key-delivery')).ask(sealingKey, {}, inMs(60_000))).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
  });

  test.each(Object.keys(SERVICES).filter((name) => name.startsWith('signaling-')) as ServiceName[])(
    '%s hears nothing of keys: no requests, no answers, no events',
    async (name) => {
      await answerAs('key-service', sealingKey, { publicKey: 'AAAA' });
      const spy = await intruder(name);
      const overheard: string[] = [];
      const refused: string[] = [];
      const subjects = ['>', 'keys.>', sealingKey.subject, '_INBOX.>', '_INBOX.speke-gateway.>', 'event.>', '$JS.>'];
      for (const subject of subjects) {
        const callback = (error: Error | null, message: { subject: string }) =>
          error ? refused.push(subject) : overheard.push(message.subject);
        spy.subscribe(subject, { callback });
        spy.subscribe(subject, { queue: 'key-service', callback });
      }
      await spy.flush();
      await (await connected('speke-gateway')).ask(sealingKey, {}, inMs(60_000));
      await (await connected('key-service')).publish(keyRefused, refusal());
      await spy.flush();
      expect(new Set(refused)).toEqual(new Set(subjects));
      expect(overheard).toEqual([]);
      await expect(spy.request(`$JS.API.CONSUMER.CREATE.${EVENT_STREAM}`, '{}')).rejects.toMatchObject({
        code: 'PERMISSIONS_VIOLATION',
      });
    },
  );

  test('signaling for one system cannot answer for another', async () => {
    const answered = answerAs('signaling-widevine', signalingFor(SYSTEM_IDS.fairplay), { keys: [] });
    await expect(answered).rejects.toThrow('NATS does not let signaling-widevine answer');
  });

  test('nobody can state what is another’s to state', async () => {
    for (const [name, contract] of [
      ['speke-gateway', keyRefused],
      ['signaling-widevine', exchangeCompleted],
      ['key-service', exchangeCompleted],
    ] as const) {
      const stated = (await connected(name)).publish(contract as never, refusal() as never);
      await expect(stated).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
  });

  test('the monitor hears all events, key-delivery those it keeps its cache by, and no others', async () => {
    const heard: Record<string, string[]> = { monitor: [], delivery: [] };
    const hear = (who: 'monitor' | 'delivery') => async (event: { type: string }) => void heard[who]!.push(event.type);
    const monitor = await connected('monitor');
    open.push(
      await hearing(
        monitor,
        contextFor('monitor'),
        { subject: 'event.>' },
        { durable: 'monitor' },
        hear('monitor') as never,
      ),
    );
    const delivery = await connected('key-delivery');
    open.push(await hearing(delivery, contextFor('key-delivery'), keyRevoked, {}, hear('delivery')));
    const keyService = await connected('key-service');
    await keyService.publish(keyRefused, refusal());
    await keyService.publish(keyRevoked, revocation());
    await eventually(() => heard['monitor']!.includes(keyRevoked.type) && heard['delivery']!.length > 0);
    expect(heard['monitor']).toContain(keyRefused.type);
    expect(heard['delivery']).toEqual([keyRevoked.type]);

    const spy = await intruder('key-delivery');
    for (const subject of [
      `$JS.API.CONSUMER.CREATE.${EVENT_STREAM}.mine.event.exchange.completed.v1`,
      `$JS.API.CONSUMER.MSG.NEXT.${EVENT_STREAM}.monitor`,
      `$JS.ACK.${EVENT_STREAM}.monitor.1.1.1.1.1`,
      `$JS.API.CONSUMER.DELETE.${EVENT_STREAM}.monitor`,
      `$JS.API.STREAM.PURGE.${EVENT_STREAM}`,
      `$JS.API.STREAM.DELETE.${EVENT_STREAM}`,
      `$JS.API.STREAM.MSG.GET.${EVENT_STREAM}`,
    ]) {
      await expect(spy.request(subject, '{}', { timeout: 60_000 })).rejects.toMatchObject({
        code: 'PERMISSIONS_VIOLATION',
      });
    }
  });

  test('nobody gets in without a key of its own, or without TLS', async () => {
    const ca = readFileSync(join(identities, 'ca.pem'), 'utf8');
    await expect(connect({ servers: server.url, tls: { ca } })).rejects.toMatchObject({
      code: 'AUTHORIZATION_VIOLATION',
    });
    // A certificate that is not known is no reason to speak in the clear.
    await expect(connect({ servers: server.url, reconnect: false, timeout: 2_000 })).rejects.toThrow();
  });
});

function signalingRequest() {
  const keys = [{ keyId: '00000000-0000-4000-8000-000000000001' as never, wants: [] }];
  return { tenant: 'default', contentId: 'c', systemId: SYSTEM_IDS.widevine, spekeVersion: '2.0' as const, keys };
}

function revocation() {
  const { data, ...event } = refusal();
  const { tenant, contentId = '', exchangeId, requester, writer, sequence } = data;
  const about = { tenant, contentId, exchangeId, requester, writer, sequence };
  return { ...event, type: keyRevoked.type, data: { ...about, keyIds: [], wholeContent: true, shredded: false } };
}
