import { randomUUID } from 'node:crypto';
import { connect, type NatsConnection } from 'nats';
import { eventually, Encryptor, SPEKE_2_SYSTEMS, type DocumentWish } from '@latchkey/testing';
import { HASTY, startServices, type System } from './system';

interface Issued {
  readonly wish: DocumentWish;
  /** What was answered, by key ID; absent when the answer was an error. */
  readonly keys?: ReadonlyMap<string, string>;
}

// promises 1, 4, 19, 24: what was answered stays, whoever dies
describe('when processes are killed under load', () => {
  let system: System;
  let encryptor: Encryptor;
  const asked: Issued[] = [];
  const statuses = new Set<number>();

  beforeAll(async () => {
    encryptor = await Encryptor.create();
    system = await startServices({ gateways: 2, environment: HASTY });
    const load = underLoad();
    for (const name of ['key-service', 'speke-gateway', 'key-service', 'signaling-widevine']) {
      await moreAnswers(12);
      await system.process(name).kill('SIGKILL');
      system.process(name).start();
    }
    await moreAnswers(12);
    await system.nats?.kill();
    await wait(500);
    await system.nats?.restart();
    await moreAnswers(12);
    await system.ready();
    await load.stop();
  });
  afterAll(async () => {
    await system.stop();
    system.removeData();
  });

  it('every answer was 200, or 503 to ask again', () => {
    expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect(answeredSoFar()).toBeGreaterThan(50);
  });

  it('every key that was answered is answered again, and every failed question has an answer now', async () => {
    for (const { wish, keys } of asked) {
      const reply = await eventually(async () => {
        const answer = await encryptor.ask(`${system.spekeUrl}/copyProtection`, wish);
        expect([200, 503]).toContain(answer.status);
        return answer.status === 200 && answer;
      });
      const now = await keysOf(reply);
      expect(now.size).toBe(wish.keys.length);
      if (keys) expect(now).toEqual(keys);
    }
  });

  it('every issuance is told exactly once', async () => {
    const bus = await connect({ servers: system.nats?.url ?? '' });
    try {
      const wanted = asked.map((each) => each.wish.contentId).sort();
      await eventually(async () => (await issuedContents(bus)).length >= wanted.length);
      expect((await issuedContents(bus)).sort()).toEqual(wanted);
    } finally {
      await bus.close();
    }
  });

  const answeredSoFar = () => asked.filter((each) => each.keys).length;
  const moreAnswers = (count: number) => {
    const wanted = answeredSoFar() + count;
    return eventually(() => answeredSoFar() >= wanted, 'answers under load');
  };

  /** Four encryptors, each with a new content at a time. */
  function underLoad() {
    const stop = new AbortController();
    const loops = Array.from({ length: 4 }, async (_, at) => {
      while (!stop.signal.aborted) {
        const wish = newContent();
        const url = `${system.spekeUrls[at % 2]}/copyProtection`;
        const reply = await encryptor.ask(url, wish).catch(() => undefined);
        if (reply) statuses.add(reply.status);
        asked.push(reply?.status === 200 ? { wish, keys: await keysOf(reply) } : { wish });
        await wait(reply?.status === 200 ? 10 : 100);
      }
    });
    return {
      stop: () => {
        stop.abort();
        return Promise.all(loops);
      },
    };
  }
});

function newContent(): DocumentWish {
  return {
    version: '2.0',
    contentId: `content-${randomUUID()}`,
    keys: ['VIDEO', 'AUDIO'].map((trackType) => ({ keyId: randomUUID(), scheme: 'cenc', trackType })),
    systems: [SPEKE_2_SYSTEMS.widevine],
  };
}

async function keysOf(reply: Awaited<ReturnType<Encryptor['ask']>>): Promise<Map<string, string>> {
  const { keys } = await reply.document();
  return new Map(keys.map(({ keyId, key }) => [keyId, key.toString('hex')]));
}

interface KeyIssued {
  readonly id: string;
  readonly data: { readonly contentId: string };
}

/** The contents of all `key.issued` events in the streams, one for each event id. */
async function issuedContents(bus: NatsConnection): Promise<string[]> {
  const manager = await bus.jetstreamManager();
  const contents = new Map<string, string>();
  for await (const stream of manager.streams.list()) {
    const { state, config } = stream;
    for (let sequence = state.first_seq; sequence > 0 && sequence <= state.last_seq; sequence++) {
      const message = await manager.streams.getMessage(config.name, { seq: sequence }).catch(() => undefined);
      if (!message?.subject.endsWith('key.issued.v1')) continue;
      const stated = message.json<KeyIssued | KeyIssued[]>();
      for (const { id, data } of [stated].flat()) contents.set(id, data.contentId);
    }
  }
  return [...contents.values()];
}

function wait(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
