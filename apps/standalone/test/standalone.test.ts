import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { createContext, EnvironmentError, type Environment } from '@latchkey/runtime';
import { ensureBuilt, temporaryDirectory, Encryptor, SPEKE_2_SYSTEMS, type DocumentWish } from '@latchkey/testing';
import { startStandalone, type Standalone } from '../src';
import { welcome } from '../src/welcome';

const WISH: DocumentWish = {
  version: '2.0',
  contentId: 'movie-1',
  keys: [{ keyId: '2d6f1a70-53b4-4f0e-9c52-8d7a1e40b6c3', scheme: 'cbcs' }],
  systems: [SPEKE_2_SYSTEMS.widevine, SPEKE_2_SYSTEMS.playready, SPEKE_2_SYSTEMS.fairplay],
};

// The second thread runs what is built.
beforeAll(() => ensureBuilt(join(__dirname, '..')));

describe.each(['1', '2'])('standalone in %s thread(s)', (THREADS) => {
  let data: string;
  let running: Standalone | undefined;
  let encryptor: Encryptor;

  beforeAll(async () => {
    encryptor = await Encryptor.create();
  });
  beforeEach(() => {
    data = temporaryDirectory();
  });
  afterEach(async () => {
    await running?.close();
    running = undefined;
  });

  it('answers for all systems at once, and has three doors', async () => {
    running = await start();
    const { keys, systems } = await (await ask(running)).document();
    expect([keys.length, systems.length]).toEqual([1, 3]);
    for (const door of [running.spekeUrl, running.deliveryUrl, running.consoleUrl]) {
      expect((await fetch(`${door}/readyz`)).status).toBe(200);
    }
  });

  it('gives key URLs that lead to its own delivery, whatever its port', async () => {
    running = await start();
    const systems = [{ systemId: 'be58615b-19c4-4684-88b3-c8c57e99e957', items: ['HLSSignalingData'] }];
    const document = await (await ask(running, { ...WISH, systems })).document();
    const tag = Buffer.from(document.systems[0]?.items.get('HLSSignalingData:media') ?? '', 'base64').toString();
    const delivered = await fetch(/URI="([^"]+)"/.exec(tag)?.[1] ?? '');
    expect(Buffer.from(await delivered.arrayBuffer())).toEqual(document.keys[0]?.key);
  });

  // promise 1
  it('keeps its keys when it is started again', async () => {
    running = await start();
    const before = await (await ask(running)).document();
    await running.close();
    running = await start();
    expect((await (await ask(running)).document()).keys).toEqual(before.keys);
  });

  it.each(['SPEKE_PORT', 'CONSOLE_PORT'])('leaves nothing running when %s is taken', async (name) => {
    const { server, port } = await occupy();
    const taken = { code: 'EADDRINUSE', port, message: expect.stringContaining('EADDRINUSE') };
    try {
      await expect(start({ [name]: String(port) })).rejects.toMatchObject(taken);
    } finally {
      server.close();
    }
    running = await start({ [name]: String(port) });
    expect((await ask(running)).status).toBe(200);
  });

  it('says which variable is wrong, whichever service reads it', async () => {
    await expect(start({ ROTATION_MISSED_AFTER: 'soon' })).rejects.toThrow(EnvironmentError);
  });

  it('says what a person needs first', async () => {
    running = await start();
    const text = welcome(running, { DATA_DIR: data });
    expect(text).toContain(`curl -s ${running.spekeUrl}/copyProtection`);
    for (const needed of ['one-machine mode', running.deliveryUrl, running.consoleUrl, data, 'in memory']) {
      expect(text).toContain(needed);
    }
  });

  it('says which parts are real', async () => {
    running = await start();
    const text = welcome(running, { NATS_URL: 'nats://bus:4222', DYNAMODB_TABLE: 'keys', KMS_KEY_ID: 'alias/keys' });
    for (const part of ['NATS', 'DynamoDB table keys', 'KMS']) expect(text).toContain(part);
  });

  function start(more: Environment = {}): Promise<Standalone> {
    const ports = { SPEKE_PORT: '0', DELIVERY_PORT: '0', CONSOLE_PORT: '0' };
    const patience = { BUS_PATIENCE: '30', SPEKE_DEADLINE_MS: '29000', DELIVERY_MOST_DELAY_MS: '60000' };
    return startStandalone(
      createContext('standalone', { ...ports, ...patience, DATA_DIR: data, LOG_LEVEL: 'silent', THREADS, ...more }),
    );
  }

  function ask({ spekeUrl }: Standalone, wish = WISH) {
    return encryptor.ask(`${spekeUrl}/copyProtection`, wish);
  }
});

function occupy(): Promise<{ server: Server; port: number }> {
  return new Promise((done) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => done({ server, port: (server.address() as AddressInfo).port }));
  });
}
