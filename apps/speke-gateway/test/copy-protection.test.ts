import { gzipSync } from 'node:zlib';
import { parseKeyId } from '@latchkey/cenc';
import { configurationLoaded, exchangeCompleted, exchangeFailed, exchangeRejected, Fault } from '@latchkey/messages';
import { Hears, startAnswering } from '@latchkey/bus';
import { createContext } from '@latchkey/runtime';
import {
  eventually,
  Encryptor,
  SPEKE_1_SYSTEMS,
  SPEKE_2_SYSTEMS,
  spekeDocument,
  type DocumentWish,
} from '@latchkey/testing';
import { Controller, Module } from '@nestjs/common';
import { asked, behaviour, forget, keyOf } from './answerers';
import { startGateway, tenantsFile, type TestGateway } from './gateway';

const VIDEO = '6bac8ec3-0ee3-379f-3d21-290b3a2bc9c3';
const AUDIO = '12EA753C-23E7-BC02-4474-B2B976C43BEB';
const WISH: DocumentWish = {
  version: '2.0',
  contentId: 'movie-1',
  keys: [
    { keyId: VIDEO, trackType: 'VIDEO', explicitIv: 'OFj2IjCsPJFfMAxmQxLGPw==' },
    { keyId: AUDIO, trackType: 'AUDIO', filters: ['<cpix:AudioFilter/>'] },
  ],
  systems: [SPEKE_2_SYSTEMS.widevine, SPEKE_2_SYSTEMS.playready],
  period: { index: 7 },
};

const events: Record<string, unknown>[] = [];

@Controller()
class Events {
  @Hears(exchangeCompleted)
  async completed(event: { data: object }) {
    events.push({ kind: 'completed', ...event.data });
  }
  @Hears(exchangeRejected)
  async rejected(event: { data: object }) {
    events.push({ kind: 'rejected', ...event.data });
  }
  @Hears(exchangeFailed)
  async failed(event: { data: object }) {
    events.push({ kind: 'failed', ...event.data });
  }
  @Hears(configurationLoaded)
  async loaded(event: { data: object }) {
    events.push({ kind: 'configuration', ...event.data });
  }
}
@Module({ controllers: [Events] })
class EventsModule {}

let gateway: TestGateway;
let encryptor: Encryptor;
beforeAll(async () => void (encryptor = await Encryptor.create()));
afterEach(async () => {
  await gateway.close();
  forget();
  events.splice(0);
});

const url = (path = '/copyProtection') => gateway.url + path;

async function hearEvents(): Promise<void> {
  await startAnswering(EventsModule, gateway.bus, createContext('listener', { LOG_LEVEL: 'silent' }));
}

describe('copyProtection', () => {
  it('answers the document that came, with its keys and what its systems say', async () => {
    gateway = await startGateway();
    const reply = await encryptor.ask(url(), WISH);
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'application/xml']);
    expect(reply.headers.get('x-speke-version')).toBe('2.0');
    expect(reply.headers.get('x-speke-user-agent')).toBe('Latchkey');
    expect(reply.headers.get('cache-control')).toBe('no-store');
    const answer = await reply.document();
    expect(answer.contentId).toBe('movie-1');
    expect(answer.keys.map(({ keyId, key }) => [keyId, key])).toEqual([
      [VIDEO, keyOf('default', 'movie-1', VIDEO)],
      [AUDIO, keyOf('default', 'movie-1', AUDIO.toLowerCase())],
    ]);
    expect(answer.systems).toHaveLength(4);
    for (const { systemId, items } of answer.systems) {
      expect(items.get('PSSH')).toBe(Buffer.from(systemId).toString('base64'));
    }
  });

  it('asks for the keys once, then all systems, and gives the checksum to PlayReady only', async () => {
    gateway = await startGateway();
    await encryptor.ask(url(), WISH);
    expect(asked.issue).toHaveLength(1);
    expect(asked.issue[0]).toMatchObject({
      tenant: 'default',
      contentId: 'movie-1',
      spekeVersion: '2.0',
      requester: { encryptorId: 'anonymous', address: '127.0.0.1' },
      keys: [
        { keyId: VIDEO, scheme: 'cenc', intendedTrackType: 'VIDEO', period: { index: 7 } },
        { keyId: AUDIO.toLowerCase(), intendedTrackType: 'AUDIO' },
      ],
    });
    const [widevine, playready] = ['edef8ba9-79d6-4ace-a3c8-27dcd51d21ed', '9a04f079-9840-4286-ab92-e65be0885f95'].map(
      (id) => asked.signaling.filter(({ systemId }) => systemId === id),
    );
    expect([widevine?.length, playready?.length]).toEqual([1, 1]);
    expect(widevine?.[0]?.keys.map(({ checksum }) => checksum)).toEqual([undefined, undefined]);
    expect(playready?.[0]?.keys.map(({ checksum }) => checksum)).toEqual(['AAAAAAAAAAA=', 'AAAAAAAAAAA=']);
    expect(playready?.[0]?.keys[0]?.explicitIv).toBe('OFj2IjCsPJFfMAxmQxLGPw==');
  });

  it('says which systems a key is for where not all of them are for every key, and else says it once', async () => {
    gateway = await startGateway();
    await encryptor.ask(url(), WISH);
    const [widevine, playready] = WISH.systems;
    await encryptor.ask(url(), { ...WISH, systems: [widevine!, { ...playready!, keyIds: [AUDIO] }] });
    const of = (at: number) => asked.issue[at]?.keys.map(({ systems }) => systems);
    expect(of(0)).toEqual([undefined, undefined]);
    expect(of(1)).toEqual([[widevine?.systemId], [widevine?.systemId, playready?.systemId]]);
    expect(asked.issue.map(({ systems }) => systems.length)).toEqual([2, 2]);
  });

  it.each([
    '/copyProtection',
    '/speke/v1.0/copyProtection',
    '/speke/v2.0/copyProtection',
    '/speke/v2.1/copyProtection',
    '/EkeStage/copyProtection',
  ])('takes every version at %s', async (path) => {
    gateway = await startGateway({ SPEKE_PATHS: '/EkeStage/copyProtection' });
    for (const version of ['1.0', '2.0', '2.1'] as const) {
      const systems = version === '1.0' ? [SPEKE_1_SYSTEMS.widevine] : [SPEKE_2_SYSTEMS.widevine];
      const reply = await encryptor.ask(url(path), { ...WISH, version, systems });
      expect([version, reply.status]).toEqual([version, 200]);
    }
  });

  it('speaks SPEKE 1 to those who say no version or 1.0', async () => {
    gateway = await startGateway();
    for (const version of [null, '1.0']) {
      const document = spekeDocument({ ...WISH, version: '1.0', systems: [SPEKE_1_SYSTEMS.playready] });
      const reply = await encryptor.post(url(), document, version);
      expect([reply.status, reply.headers.get('speke-user-agent')]).toEqual([200, 'Latchkey']);
      expect(reply.headers.get('x-speke-user-agent')).toBeNull();
      expect(reply.headers.get('x-speke-version')).toBe(version);
    }
  });

  // promise 35
  it.each(['3.0', '2', '', ' ', '2.0, 1.0', '2.00'])(
    'refuses the version %j before it looks at the body',
    async (version) => {
      gateway = await startGateway();
      const reply = await encryptor.post(url(), 'not even XML', version, { accept: 'text/plain' });
      expect([reply.status, reply.body.split('\n')[0]]).toEqual([422, 'Unsupported SPEKE version']);
      expect(reply.headers.get('x-speke-user-agent')).toBe('Latchkey');
      expect(reply.headers.get('x-speke-version')).toBeNull();
      expect(asked.issue).toHaveLength(0);
    },
  );

  it('passes another key ID through everywhere', async () => {
    gateway = await startGateway();
    behaviour.override = parseKeyId('00000000-1111-2222-3333-444444444444');
    const reply = await encryptor.ask(url(), { ...WISH, keys: WISH.keys.slice(0, 1) });
    const answer = await reply.document();
    expect(answer.keys.map(({ keyId }) => keyId)).toEqual([behaviour.override]);
    expect(answer.systems.map(({ keyId }) => keyId)).toEqual([behaviour.override, behaviour.override]);
    expect(asked.signaling.flatMap(({ keys }) => keys.map(({ keyId }) => keyId))).toEqual([
      behaviour.override,
      behaviour.override,
    ]);
    expect(reply.body).not.toContain(VIDEO);
  });

  it('answers a system that nobody signals with its own text, by name', async () => {
    gateway = await startGateway();
    const systems = [{ systemId: '80a6be7e-1448-4c37-9e70-d5aebe04c8d2', items: ['PSSH'] }];
    const reply = await encryptor.ask(url(), { ...WISH, systems });
    expect(reply.status).toBe(422);
    expect(reply.body).toContain('80a6be7e-1448-4c37-9e70-d5aebe04c8d2');
  });

  it('answers a scheme that a system refuses with SPEKE’s own text', async () => {
    gateway = await startGateway();
    behaviour.signalingFault = new Fault('UNSUPPORTED_SCHEME', 'not cenc');
    const reply = await encryptor.ask(url(), { ...WISH, systems: [SPEKE_2_SYSTEMS.widevine] });
    expect([reply.status, reply.body.split('\n')[0]]).toEqual([
      422,
      'ContentKey@commonEncryptionScheme non compatible with DRMSystem edef8ba9-79d6-4ace-a3c8-27dcd51d21ed',
    ]);
  });

  // promise 23
  it.each(['UNAVAILABLE', 'DEADLINE_EXCEEDED'] as const)('answers %s with 503 and Retry-After', async (code) => {
    gateway = await startGateway();
    behaviour.issueFault = new Fault(code, 'DynamoDB at 10.0.0.7 is away');
    const reply = await encryptor.ask(url(), WISH);
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^[1-9]$/)]);
    expect(reply.body).not.toMatch(/DynamoDB|10\.0/);
    expect(reply.body).toContain(reply.headers.get('x-request-id'));
  });

  it('answers 503 within its deadline when key-service does not answer', async () => {
    gateway = await startGateway({ SPEKE_DEADLINE_MS: '200' });
    let answer = () => {};
    behaviour.held = new Promise((resolve) => (answer = resolve));
    const reply = await encryptor.ask(url(), WISH);
    expect(reply.status).toBe(503);
    answer();
  });

  it('answers 503 when nobody answers for the keys', async () => {
    gateway = await startGateway({}, { answerers: false });
    expect((await encryptor.ask(url(), WISH)).status).toBe(503);
  });

  // promise 13
  it.each(['INTERNAL', 'TAMPERED'] as const)('answers %s with 500, a request ID and nothing else', async (code) => {
    gateway = await startGateway();
    behaviour.issueFault = new Fault(code, 'row 7 of table keys');
    const reply = await encryptor.ask(url(), WISH);
    expect(reply.status).toBe(500);
    expect(reply.body).toContain(reply.headers.get('x-request-id'));
    expect(reply.body).not.toMatch(/row 7|table/);
  });

  it.each([
    ['FORBIDDEN', `key ${VIDEO} is revoked`, 'A key is revoked'],
    ['KEY_NOT_FOUND', `key ${VIDEO} is past its retention`, 'A key is no longer there'],
  ] as const)('tells why a key is not given: %s', async (code, detail, text) => {
    gateway = await startGateway();
    behaviour.issueFault = new Fault(code, detail);
    const reply = await encryptor.ask(url(), WISH);
    expect([reply.status, reply.body.split('\n')[0]]).toEqual([422, text]);
    expect(reply.body).toContain(detail);
  });

  // promise 12
  it('never answers with a key that it can read when recipients were named', async () => {
    gateway = await startGateway();
    const reply = await encryptor.ask(url(), WISH, { encrypted: true });
    // These answerers do not encrypt: what must not happen is that they are asked for sealed keys instead.
    expect(reply.status).toBe(503);
    expect(asked.issue[0]?.delivery).toEqual({ kind: 'recipients', certificates: [encryptor.certificate] });
  });

  it('gives RFC 9457 with all faults to those who accept it', async () => {
    gateway = await startGateway();
    const document = spekeDocument(WISH).replace(' contentId="movie-1"', '').replace(' version="2.3"', '');
    const reply = await encryptor.post(url(), document, '2.0', { accept: 'application/problem+json' });
    expect(reply.headers.get('content-type')).toContain('application/problem+json');
    const problem = JSON.parse(reply.body) as { code: string; type: string; faults: { code: string }[] };
    expect(problem).toMatchObject({ status: 422, code: 'MISSING_CONTENT_ID' });
    expect(problem.faults.map(({ code }) => code)).toEqual(['MISSING_CONTENT_ID', 'MISSING_CPIX_VERSION']);
    expect(problem.type).toMatch(/docs\/errors\.md#/);
  });

  it.each([
    ['GET', undefined],
    ['PUT', '<a/>'],
    ['DELETE', undefined],
  ])('answers %s with 405 and what is allowed', async (method, body) => {
    gateway = await startGateway();
    const headers = { 'content-type': 'application/xml' };
    const answer = await fetch(url(), { method, headers, ...(body !== undefined && { body }) });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('tells what is wrong with a compressed body', async () => {
    gateway = await startGateway();
    const headers = { 'content-type': 'application/xml', 'content-encoding': 'gzip', 'x-speke-version': '2.0' };
    const answer = await fetch(url(), { method: 'POST', headers, body: gzipSync(spekeDocument(WISH)) });
    expect([answer.status, answer.headers.get('accept-encoding')]).toEqual([415, 'identity']);
    expect(await answer.text()).toMatch(/^The Content-Encoding is not supported\n/);
  });

  it('answers a heartbeat', async () => {
    gateway = await startGateway();
    for (const path of ['/heartbeat', '/speke/v1.0/heartbeat']) {
      const answer = await fetch(url(path));
      expect([answer.status, await answer.json()]).toEqual([200, { statusMessage: 'OK' }]);
      expect(answer.headers.get('speke-user-agent')).toBe('Latchkey');
    }
  });
});

describe('what is told about an exchange', () => {
  /** What the gateway says of itself when it starts may still come. */
  const exchanges = () => events.filter(({ kind }) => kind !== 'configuration');

  it('is one log line, without the document or a key', async () => {
    gateway = await startGateway();
    await encryptor.ask(url(), WISH, { headers: { 'user-agent': 'AWS Elemental MediaPackage' } });
    await eventually(() => gateway.lines().some(({ msg }) => msg === 'request'));
    const lines = gateway.lines().filter(({ msg }) => msg === 'request');
    expect(lines).toEqual([
      expect.objectContaining({
        level: 30,
        spekeVersion: '2.0',
        userAgent: 'AWS Elemental MediaPackage',
        contentId: 'movie-1',
        keys: 2,
        systems: 2,
        status: 200,
        tenant: 'default',
        durationMs: expect.any(Number),
      }),
    ]);
    const log = gateway.log();
    for (const each of WISH.keys) {
      const key = keyOf('default', 'movie-1', each.keyId.toLowerCase());
      for (const encoding of ['hex', 'base64', 'base64url'] as const) expect(log).not.toContain(key.toString(encoding));
    }
    expect(log).not.toContain('cpix:');
  });

  it('is an event for what was answered, refused and failed, and a record for what was refused', async () => {
    gateway = await startGateway();
    await hearEvents();
    await encryptor.ask(url(), WISH);
    await encryptor.post(url(), '<a/>', '2.0');
    behaviour.issueFault = new Fault('UNAVAILABLE', 'away');
    await encryptor.ask(url(), WISH);
    await eventually(() => exchanges().length === 3 && asked.refusals.length === 1);
    const byKind = Object.fromEntries(exchanges().map((event) => [event['kind'], event]));
    expect(byKind['completed']).toMatchObject({
      tenant: 'default',
      contentId: 'movie-1',
      status: 200,
      periodIndex: 7,
      keyIds: [VIDEO, AUDIO.toLowerCase()],
    });
    const hops = (byKind['completed']?.['hops'] as { name: string }[] | undefined)?.map(({ name }) => name);
    expect(hops?.[0]).toBe('keys.v1.issue');
    expect(hops).toHaveLength(3);
    expect(byKind['rejected']).toMatchObject({ status: 422, code: 'NOT_CPIX' });
    expect(byKind['failed']).toMatchObject({ status: 503, code: 'UNAVAILABLE', contentId: 'movie-1' });
    expect(asked.refusals[0]).toMatchObject({ code: 'NOT_CPIX', tenant: 'default' });
  });

  it('is not recorded twice when key-service has refused', async () => {
    gateway = await startGateway();
    await hearEvents();
    behaviour.issueFault = new Fault('FORBIDDEN', 'revoked');
    await encryptor.ask(url(), WISH);
    await eventually(() => exchanges().length === 1);
    expect([exchanges()[0]?.['kind'], asked.refusals]).toEqual(['rejected', []]);
  });

  it('is which configuration was in force', async () => {
    gateway = await startGateway();
    await hearEvents();
    const other = await startGateway({ TENANTS_FILE: tenantsFile({ id: 'default' }) }, { hub: gateway.hub });
    const told = () => events.filter(({ kind }) => kind === 'configuration').at(-1);
    // The first gateway, which has no file, may tell its own meanwhile.
    await eventually(() => (told()?.['warnings'] as string[] | undefined)?.[0]?.includes('is open') === true);
    await other.close();
    expect(told()).toMatchObject({
      kind: 'configuration',
      service: 'speke-gateway',
      tenants: 1,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      warnings: [expect.stringContaining('is open')],
    });
  });

  it('carries the tenant’s policy to the document', async () => {
    gateway = await startGateway({
      TENANTS_FILE: tenantsFile({ id: 'default', policy: { requireContentKeyEncryption: true } }),
    });
    const reply = await encryptor.ask(url(), WISH);
    expect(reply.status).toBe(422);
    expect(asked.issue).toHaveLength(0);
  });
});

// promise 13
describe('the size of documents', () => {
  const long = () => spekeDocument(WISH).replace('</cpix:CPIX>', `${`<!--${'x'.repeat(30_000)}-->`.repeat(20)}$&`);
  const complex = () => spekeDocument(WISH).replace('</cpix:CPIX>', `${'<x:a xmlns:x="urn:x"/>'.repeat(9_000)}$&`);
  const ask = async (document: string) => {
    const { status, body } = await encryptor.post(url(), document, '2.0');
    return [status, body] as const;
  };

  it('has its limits', async () => {
    gateway = await startGateway();
    expect((await ask(long()))[0]).toBe(413);
    expect(await ask(complex())).toEqual([422, expect.stringContaining('too complex')]);
  });

  it('is what the configuration says, also for the reader of documents', async () => {
    gateway = await startGateway({ SPEKE_BODY_LIMIT: '2000000', SPEKE_ELEMENT_LIMIT: '10000' });
    expect((await ask(long()))[0]).toBe(200);
    expect((await ask(complex()))[0]).toBe(200);
    expect((await ask(long() + ' '.repeat(2_000_000)))[0]).toBe(413);
  });
});
