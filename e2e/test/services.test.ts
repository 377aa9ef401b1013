import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import {
  Encryptor,
  eventually,
  SPEKE_1_SYSTEMS,
  SPEKE_2_SYSTEMS,
  badInputFixtures,
  type DocumentWish,
} from '@latchkey/testing';
import { send } from './hostile-client';
import { findKeys } from './key-forms';
import { startServices, type System } from './system';

describe('services on NATS', () => {
  let system: System;
  let encryptor: Encryptor;
  let listener: NatsConnection;
  /** Subject, headers and body of every message there was. */
  const heard: Buffer[] = [];
  const issued: Buffer[] = [];

  beforeAll(async () => {
    encryptor = await Encryptor.create();
    system = await startServices({ gateways: 2, environment: { LOG_LEVEL: 'debug' } });
    listener = await connect({ servers: system.nats?.url ?? '' });
    listener.subscribe('>', {
      callback: (_, message) => heard.push(Buffer.from(message.subject), Buffer.from(message.data)),
    });
    await listener.flush();
  });
  afterAll(async () => {
    await listener.close();
    await system.stop();
    system.removeData();
  });

  // promises 2, 5
  it('give one key to 200 who ask first at the same time', async () => {
    const keyIds = [randomUUID(), randomUUID()];
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, at) => {
        const spelt = at % 3 === 0 ? keyIds.map((keyId) => keyId.toUpperCase()) : keyIds;
        const url = system.spekeUrls[at % system.spekeUrls.length] as string;
        return encryptor.ask(`${url}/copyProtection`, movie('race', spelt), { encrypted: at % 5 === 0 });
      }),
    );
    const answered = replies.filter((reply) => reply.status === 200);
    expect(replies.filter((reply) => ![200, 503].includes(reply.status))).toEqual([]);
    expect(answered.length).toBeGreaterThan(0);
    const seen = new Map<string, Set<string>>();
    for (const reply of answered) {
      for (const { keyId, key } of (await reply.document()).keys) {
        const forms = seen.get(keyId.toLowerCase()) ?? new Set();
        seen.set(keyId.toLowerCase(), forms.add(key.toString('hex')));
      }
    }
    expect([...seen.keys()].sort()).toEqual(keyIds.toSorted());
    expect([...seen.values()].map((keys) => keys.size)).toEqual([1, 1]);
    for (const keys of seen.values()) issued.push(...[...keys].map((key) => Buffer.from(key, 'hex')));
  });

  // promise 37
  it.each([
    ['SPEKE 2', { version: '2.0', systems: [SPEKE_2_SYSTEMS.clearKeyAes128] }, 'HLSSignalingData:media'],
    ['SPEKE 1', { version: '1.0', systems: [SPEKE_1_SYSTEMS.hlsAes128] }, 'URIExtXKey'],
  ] as const)('give players the key at the URL of an AES-128 answer of %s', async (_, wish, item) => {
    const reply = await encryptor.ask(`${system.spekeUrl}/copyProtection`, {
      ...wish,
      contentId: `live ${randomUUID()}/ä`,
      keys: [{ keyId: randomUUID(), scheme: 'cbc1' }],
    });
    const { keys, systems } = await reply.document();
    const said = Buffer.from(systems[0]?.items.get(item) ?? '', 'base64').toString();
    const url = /URI="([^"]+)"/.exec(said)?.[1] ?? said;
    expect(url.startsWith(`${system.deliveryUrl}/`)).toBe(true);
    const delivered = await fetch(url);
    expect([delivered.status, delivered.headers.get('content-type')]).toEqual([200, 'application/octet-stream']);
    expect(Buffer.from(await delivered.arrayBuffer())).toEqual(keys[0]?.key);
    issued.push(...keys.map(({ key }) => key));
  });

  it('go on without a DRM system that is down, and with it when it is back', async () => {
    const playready = system.process('signaling-playready');
    await playready.kill('SIGKILL');
    const url = `${system.spekeUrl}/copyProtection`;
    const both = movie('outage', [randomUUID()]);
    const other = { ...both, systems: [SPEKE_2_SYSTEMS.widevine] };
    expect((await encryptor.ask(url, both)).status).not.toBe(200);
    expect((await encryptor.ask(url, other)).status).toBe(200);
    playready.start();
    await system.ready();
    const reply = await eventually(async () => {
      const answer = await encryptor.ask(url, both);
      return answer.status === 200 && answer;
    });
    issued.push(...(await reply.document()).keys.map(({ key }) => key));
  });

  // promises 9, 10, 11, 13
  it('let no key out but in answers', async () => {
    const bodies: Buffer[] = [];
    for (const fixture of badInputFixtures()) {
      const reply = await send(`${system.spekeUrl}/copyProtection`, fixture);
      if (reply.status !== 200) bodies.push(Buffer.from(reply.body));
    }
    for (const path of ['/healthz', '/readyz', '/metrics', '/nowhere']) {
      for (const door of [system.spekeUrl, system.deliveryUrl, system.consoleUrl]) {
        bodies.push(Buffer.from(await (await fetch(door + path)).text()));
      }
    }
    await listener.flush();
    expect(issued.length).toBeGreaterThanOrEqual(4);
    expect(heard.length).toBeGreaterThan(100);
    expect(findKeys(Buffer.concat(heard), issued)).toEqual([]);
    expect(findKeys(Buffer.from(system.output(), 'latin1'), issued)).toEqual([]);
    expect(findKeys(Buffer.concat(bodies), issued)).toEqual([]);
    expect(findKeys(filesIn(system.data), issued)).toEqual([]);
  });

  it('would be caught by that search', () => {
    const key = issued[0] as Buffer;
    expect(findKeys(Buffer.from(`a key: ${key.toString('base64')}.`), issued)).toContain('base64');
  });

  function movie(name: string, keyIds: readonly string[]): DocumentWish {
    return {
      version: '2.0',
      contentId: name,
      keys: keyIds.map((keyId, at) => ({ keyId, scheme: 'cbcs', trackType: `TRACK${at}` })),
      systems: [SPEKE_2_SYSTEMS.widevine, SPEKE_2_SYSTEMS.playready],
    };
  }
});

function filesIn(folder: string): Buffer {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  return Buffer.concat(files.filter((file) => statSync(file).isFile()).map((file) => readFileSync(file)));
}
