import {
  Encryptor,
  elementsNamed,
  readSpekeAnswer,
  readXmlTree,
  spekeFixtures,
  type SpekeFixture,
} from '@latchkey/testing';
import { startServices, startStandalone, type System } from './system';

const FIXTURES = spekeFixtures();
const GOOD = FIXTURES.filter((each) => each.status === 200);
const BAD = FIXTURES.filter((each) => each.status !== 200);
/** Where key URLs point, whatever port the doors have: the two ways of running must say the same. */
const ENVIRONMENT = { DELIVERY_BASE_URL: 'https://keys.example.com' };

/** One store, first under one process, then under services on NATS: what was answered once is answered for ever. */
describe('a SPEKE request', () => {
  let system: System;
  let encryptor: Encryptor;
  const first = new Map<string, string>();

  beforeAll(async () => {
    encryptor = await Encryptor.create();
    system = await startStandalone({ environment: ENVIRONMENT });
  });
  afterAll(async () => {
    await system.stop();
    system.removeData();
  });

  describe('to one process', () => {
    it.each(GOOD.map((each) => [each.file, each] as const))('%s is answered', async (file, fixture) => {
      const reply = await ask(fixture);
      expect([reply.status, reply.status === 200 ? '' : reply.body]).toEqual([200, '']);
      expect(reply.headers.get('content-type')).toMatch(/^application\/xml(; charset=utf-8)?$/i);
      if (fixture.spekeVersion) {
        expect(reply.headers.get('x-speke-version')).toBe(fixture.spekeVersion);
        expect(reply.headers.get('x-speke-user-agent')).toMatch(/./);
      }
      await expectFilled(fixture, reply.body);
      first.set(file, reply.body);
    });

    it.each(BAD.map((each) => [each.file, each] as const))('%s is refused', async (_, fixture) => {
      const reply = await ask(fixture);
      expect(statusFits(fixture, reply.status)).toBe(true);
      expect(reply.body).toContain(fixture.error?.replace(/ \.\.\.$/, '') ?? '');
      expect(reply.body).not.toMatch(/PlainValue|node_modules|\.js:\d|<html/i);
      expect(reply.body.length).toBeGreaterThan(10);
    });

    // promise 5
    it('is answered the same when asked again', async () => {
      await expectSameAnswers();
    });

    // promise 1
    it('is answered the same after kill -9', async () => {
      await system.process('standalone').kill('SIGKILL');
      system.process('standalone').start();
      await system.ready();
      await expectSameAnswers();
    });
  });

  describe('to separate services on NATS', () => {
    beforeAll(async () => {
      await system.stop();
      system = await startServices({ environment: ENVIRONMENT, data: system.data });
    });

    it('is answered as by one process', async () => {
      await expectSameAnswers();
    });

    it.each(BAD.map((each) => [each.file, each] as const))('%s is refused', async (_, fixture) => {
      const reply = await ask(fixture);
      expect(statusFits(fixture, reply.status)).toBe(true);
      expect(reply.body).toContain(fixture.error?.replace(/ \.\.\.$/, '') ?? '');
    });
  });

  function ask(fixture: SpekeFixture) {
    return encryptor.post(`${system.spekeUrl}/copyProtection`, fixture.body, fixture.spekeVersion);
  }

  async function expectSameAnswers(): Promise<void> {
    expect(first.size).toBe(GOOD.length);
    for (const fixture of GOOD) {
      const reply = await ask(fixture);
      expect([fixture.file, withoutChance(reply.body)]).toEqual([
        fixture.file,
        withoutChance(first.get(fixture.file) ?? ''),
      ]);
    }
  }
});

function statusFits({ status }: SpekeFixture, actual: number): boolean {
  return status === '4xx' ? actual >= 400 && actual < 500 : actual === status;
}

/** Each key has a secret, encrypted if the request brought a certificate, and each system what it was asked for. */
async function expectFilled(fixture: SpekeFixture, body: string): Promise<void> {
  const [asked, answered] = [await readXmlTree(decode(fixture.body)), await readXmlTree(body)];
  const encrypted = elementsNamed(asked, 'DeliveryData').length > 0;
  const keys = elementsNamed(answered, 'ContentKey');
  expect(keys.map((key) => key.attributes.get('kid'))).toEqual(
    elementsNamed(asked, 'ContentKey').map((key) => key.attributes.get('kid')),
  );
  for (const key of keys) {
    expect(elementsNamed(key, encrypted ? 'CipherValue' : 'PlainValue')).toHaveLength(1);
    expect(elementsNamed(key, encrypted ? 'PlainValue' : 'CipherValue')).toHaveLength(0);
  }
  if (!encrypted) expect((await readSpekeAnswer(body)).keys).toHaveLength(keys.length);
  const systems = elementsNamed(answered, 'DRMSystem');
  expect(systems).toHaveLength(elementsNamed(asked, 'DRMSystem').length);
  for (const system of systems) {
    for (const child of system.children)
      expect([child.name, child.text]).toEqual([child.name, expect.stringMatching(/\S/)]);
  }
}

function decode(body: Buffer): string {
  return body[0] === 0xff || body[0] === 0xfe ? new TextDecoder('utf-16').decode(body) : body.toString();
}

/** Keys under a certificate are encrypted anew each time: what differs there is chance. */
function withoutChance(body: string): string {
  return body.includes('EncryptedValue') ? body.replace(/(<(?:\w+:)?(?:CipherValue|ValueMAC)>)[^<]+/g, '$1…') : body;
}
