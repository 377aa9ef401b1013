import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { connect } from 'nats';
import { eventually, Encryptor, SPEKE_2_SYSTEMS } from '@latchkey/testing';
import { findKeys } from './key-forms';
import { describeWith } from './parts';
import { startServices, type System } from './system';

const COMMAND = join(__dirname, '../../apps/monitor/dist/ledger/command.js');

describeWith(['nats-server'])('the ledger of a running system', () => {
  let system: System;
  let encryptor: Encryptor;
  let issued = 0;
  const keys: Buffer[] = [];
  const asked: { contentId: string; keyId: string; exchangeId: string }[] = [];

  beforeAll(async () => {
    system = await startServices();
    encryptor = await Encryptor.create();
  });
  afterAll(async () => {
    await system.stop();
    system.removeData();
  });

  const ask = async (times: number) => {
    for (let n = 0; n < times; n++) {
      const contentId = `film-${issued}`;
      const wish = {
        version: '2.0',
        contentId,
        keys: [{ keyId: randomUUID() }],
        systems: [SPEKE_2_SYSTEMS.widevine],
      } as const;
      const reply = await encryptor.ask(`${system.spekeUrl}/copyProtection`, wish);
      expect(reply.status).toBe(200);
      keys.push(...(await reply.document()).keys.map(({ key }) => key));
      const exchangeId = reply.headers.get('x-request-id') ?? '';
      asked.push({ contentId, keyId: wish.keys[0].keyId, exchangeId });
      issued += 1;
    }
  };
  const ledger = (...args: string[]) => {
    const env = { ...process.env, DATA_DIR: system.data };
    return spawnSync(process.execPath, [COMMAND, ...args], { env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  };
  const records = (): { body: string; hash: string; index: number }[] =>
    ledger('export')
      .stdout.trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  const issuances = () => records().filter(({ body }) => JSON.parse(body).event.type === 'io.latchkey.key.issued.v1');
  /** What a killed monitor held is delivered again when its time to acknowledge is over: half a minute. */
  const complete = () => eventually(() => issuances().length >= issued);

  // promise 19
  it('has each issuance once, though the monitor was killed again and again', async () => {
    for (let round = 0; round < 3; round++) {
      const asking = ask(15);
      await new Promise((done) => setTimeout(done, 400));
      await system.process('monitor').kill('SIGKILL');
      await asking;
      system.process('monitor').start();
      await system.ready();
    }
    await complete();
    const contents = issuances().map(({ body }) => JSON.parse(body).event.data.contentId);
    expect(contents).toHaveLength(issued);
    expect(new Set(contents).size).toBe(issued);
    const { status, stdout } = ledger('verify');
    expect([status, stdout]).toEqual([0, expect.stringContaining('The ledger is whole.')]);
  });

  // promise 9
  it('shows no key: not on any page of the ops API, not in an export, not in its files', async () => {
    await system.ready();
    const some = asked.slice(0, 10);
    const paths = some.flatMap(({ contentId, keyId, exchangeId }) => [
      `/v1/keys/${keyId}`,
      `/v1/exchanges/${exchangeId}`,
      `/v1/exchanges?contentId=${contentId}&limit=100`,
      `/v1/contents/${contentId}/schedule`,
    ]);
    for (const path of ['/v1/overview', '/v1/rotation', '/v1/health', '/v1/exchanges?limit=1000', ...paths]) {
      const answer = await fetch(system.consoleUrl + path);
      expect([path, answer.status]).toEqual([path, 200]);
      expect([path, findKeys(Buffer.from(await answer.arrayBuffer()), keys)]).toEqual([path, []]);
    }
    expect(findKeys(Buffer.from(ledger('export').stdout), keys)).toEqual([]);
    expect(findKeys(Buffer.from(ledger('export', '--format', 'csv').stdout), keys)).toEqual([]);
    const folder = join(system.data, 'monitor');
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.mdb'),
    )) {
      expect([file, findKeys(readFileSync(join(folder, file)), keys)]).toEqual([file, []]);
    }
  });

  // promise 21
  it('is the same after the whole stream was replayed twice', async () => {
    await eventually(async () => (await waiting(system)) === 0);
    await system.process('monitor').kill('SIGTERM');
    const before = records();
    for (let replay = 0; replay < 2; replay++) {
      await forgetConsumer(system);
      system.process('monitor').start();
      await system.ready();
      await eventually(async () => (await waiting(system)) === 0);
      await system.process('monitor').kill('SIGTERM');
    }
    // Whoever starts anew says so: what is added is the monitor's own word on its configuration.
    const hashes = new Set(before.map(({ hash }) => hash));
    const [kept, added] = [true, false].map((old) => records().filter(({ hash }) => hashes.has(hash) === old));
    expect(kept).toEqual(before);
    const types = (added ?? []).map(({ body }) => JSON.parse(body).event.type);
    expect([...new Set(types)]).toEqual(['io.latchkey.configuration.loaded.v1']);
  });

  // promise 22
  it('names the one record that was edited, and the one that was deleted', async () => {
    const store = open({ path: join(system.data, 'monitor', 'ledger'), maxDbs: 8 }).openDB({
      name: 'records',
    });
    const original = store.get(['default', 7]);
    await store.put(['default', 7], { ...original, body: original.body.replace('film-', 'show-') });
    expect(ledger('verify').stdout.match(/^BROKEN.*$/gm)).toEqual(['BROKEN default: record 7 is altered']);
    await store.remove(['default', 7]);
    expect(ledger('verify').stdout.match(/^BROKEN.*$/gm)).toEqual(['BROKEN default: record 7 is missing']);
    await store.put(['default', 7], original);
    expect(ledger('verify').status).toBe(0);
  });
});

async function withStream<T>(system: System, work: (manager: StreamManager) => Promise<T>): Promise<T> {
  const connection = await connect({ servers: system.nats?.url ?? '' });
  try {
    const manager = await connection.jetstreamManager();
    const [stream] = await manager.streams.names('event.>').next();
    return await work({ manager, stream: stream ?? '' });
  } finally {
    await connection.close();
  }
}
interface StreamManager {
  readonly manager: Awaited<ReturnType<Awaited<ReturnType<typeof connect>>['jetstreamManager']>>;
  readonly stream: string;
}

/** Events that the monitor has not acknowledged; one that has no consumer yet has all of them before it. */
function waiting(system: System): Promise<number> {
  return withStream(system, async ({ manager, stream }) => {
    const info = await manager.consumers.info(stream, 'monitor').catch(() => undefined);
    return info ? info.num_pending + info.num_ack_pending : Infinity;
  });
}

function forgetConsumer(system: System): Promise<boolean> {
  return withStream(system, ({ manager, stream }) => manager.consumers.delete(stream, 'monitor'));
}
