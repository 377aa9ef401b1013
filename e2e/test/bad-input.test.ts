import { readFileSync } from 'node:fs';
import {
  badInputFixtures,
  elementsNamed,
  readSpekeAnswer,
  readXmlTree,
  spekeFixture,
  type BadInputFixture,
} from '@latchkey/testing';
import { Canary, send, type Reply } from './hostile-client';
import { startStandalone, type System } from './system';

const FIXTURES = badInputFixtures();
const GROUPS = [...new Set(FIXTURES.map((each) => each.group))];
const GOOD = { speke: '2.0', body: spekeFixture('v2/docs_vod_three_drms.xml') } as BadInputFixture;
/** What an answer to a stranger says nothing about (promise 13). */
const INSIDE =
  /node_modules|\bat .+:\d+:\d+|\.[jt]s:\d+|<html|arn:aws|dynamodb|lmdb|\bnats\b|\bkms\b|ECONN|\/(home|root|usr|work)\//i;

// promises 13, 30, 31, 32, 33, 34
describe('bad input', () => {
  let system: System;
  let canary: Canary;
  let memoryBefore: number;

  beforeAll(async () => {
    canary = await Canary.open();
    system = await startStandalone();
    await ask(GOOD);
    memoryBefore = residentBytes(system.process('standalone').pid);
  });
  afterAll(async () => {
    await system.stop();
    system.removeData();
    await canary.close();
  });

  describe.each(GROUPS)('%s', (group) => {
    const fixtures = FIXTURES.filter((each) => each.group === group);

    it.each(fixtures.map((each) => [`${each.id}: ${each.why}`, each] as const))('%s', async (_, fixture) => {
      const reply = await ask(fixture);
      if (!fits(fixture.expect, reply.status))
        throw new Error(`${reply.status}, not ${fixture.expect.join(' or ')}: ${reply.body}`);
      await expectHarmless(fixture, reply);
    });

    it('leaves the server answering', async () => {
      expect((await ask(GOOD)).status).toBe(200);
      expect(system.process('standalone').running).toBe(true);
    });
  });

  it('made the server ask nobody', () => {
    expect(canary.visits).toEqual([]);
  });

  it('left no memory behind', () => {
    const grown = residentBytes(system.process('standalone').pid) - memoryBefore;
    expect(grown).toBeLessThan(300 * 1024 * 1024);
  });

  function ask(fixture: BadInputFixture): Promise<Reply> {
    return send(`${system.spekeUrl}/copyProtection`, fixture, canary.url);
  }
});

async function expectHarmless(fixture: BadInputFixture, reply: Reply): Promise<void> {
  expect(reply.answers).toBeLessThanOrEqual(fixture.responses ?? 1);
  for (const text of fixture.mustNotContain ?? []) expect(reply.body).not.toContain(text);
  if (reply.status === 200) {
    expect(reply.headers['content-type']).toMatch(/^application\/xml/i);
    await CHECKS[fixture.check ?? 'keys'](fixture, reply);
  } else {
    expect(reply.body).not.toMatch(INSIDE);
    expect(Buffer.byteLength(reply.body)).toBeLessThanOrEqual(4_096);
    if (reply.status !== 'close') expect(reply.body).toMatch(/\w{3}/);
  }
}

const CHECKS = {
  /** Every key that was asked for, in the clear, under the kid as it was written. */
  keys: async (fixture: BadInputFixture, { body }: Reply) => {
    const { keys } = await readSpekeAnswer(body);
    expect(keys.length).toBeGreaterThan(0);
    if (fixture.check === 'keys') {
      const asked = elementsNamed(await readXmlTree(fixture.body.toString()), 'ContentKey');
      expect(keys.map((key) => key.keyId)).toEqual(asked.map((key) => key.attributes.get('kid')));
    }
  },
  'no-plain': (_: BadInputFixture, { body }: Reply) => expect(body).not.toContain('PlainValue'),
  'no-injected-header': (_: BadInputFixture, { headers }: Reply) => expect(headers['set-cookie']).toBeUndefined(),
};

function fits(expected: readonly string[], status: number | 'close'): boolean {
  const text = String(status);
  return expected.includes(text) || expected.includes(`${text[0]}xx`);
}

/** VmRSS of proc(5). */
function residentBytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}
