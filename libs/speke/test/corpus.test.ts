import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { badInputFixtures, elementsNamed, readSpekeAnswer, readXmlTree, spekeFixtures } from '@latchkey/testing';
import { describeRejection } from '../src';
import { exchange, keyText, type Outcome } from './exchange';

interface Expected {
  readonly status: number;
  readonly code?: string;
}
const answers = JSON.parse(readFileSync(join(__dirname, 'fixtures/answers.json'), 'utf8')) as Record<
  'requests' | 'bad-input',
  Record<string, Expected>
>;

/** Those about the connection and its headers are the gateway's. */
const DOMAIN_GROUPS = [
  'valid',
  'malformed',
  'namespace',
  'encoding',
  'dtd',
  'structure',
  'kid',
  'rules',
  'periods',
  'iv',
  'delivery',
];
const badInput = badInputFixtures().filter(({ group }) => DOMAIN_GROUPS.includes(group));

describe('the requests of the corpus', () => {
  test.each(spekeFixtures().map((fixture) => [fixture.file, fixture] as const))('%s', async (file, fixture) => {
    const outcome = exchange(fixture.spekeVersion, fixture.body);
    expectOutcome(outcome, answers.requests[file]);
    if ('rejection' in outcome) return expectText(outcome.rejection.message, fixture.error);
    await expectKeys(outcome.answer);
    expectWhole(await readXmlTree(outcome.answer), await readXmlTree(decode(fixture.body)), outcome.request.version);
  });
});

// promises 12, 13, 30, 31, 33, 35
describe('the bad and unusual input of the corpus', () => {
  test('is all there', () => {
    expect(badInput.length).toBe(Object.keys(answers['bad-input']).length);
  });

  test.each(badInput.map((fixture) => [fixture.id, fixture] as const))('%s', async (id, fixture) => {
    const header = versionHeader(fixture.speke, fixture.headers);
    const outcome = exchange(header, fixture.body);
    expectOutcome(outcome, answers['bad-input'][id]);
    const text = 'rejection' in outcome ? describeRejection(outcome.rejection, { as: 'text' }).body : outcome.answer;
    for (const secret of fixture.mustNotContain ?? []) expect(text).not.toContain(secret);
    if (fixture.check === 'no-plain') expect(text).not.toContain('PlainValue');
    if (!('rejection' in outcome) && !outcome.request.recipients) await expectKeys(outcome.answer);
  });
});

function versionHeader(speke: string | null, headers: Readonly<Record<string, string | readonly string[]>> = {}) {
  const name = Object.keys(headers).find((each) => each.toLowerCase() === 'x-speke-version');
  return name === undefined ? speke : String(headers[name]);
}

function expectOutcome(outcome: Outcome, expected: Expected | undefined): void {
  const rejection = 'rejection' in outcome ? outcome.rejection : undefined;
  expect([rejection?.status ?? 200, rejection?.code]).toEqual([expected?.status, expected?.code]);
}

/** `…` at the end of an expected text stands for a value. */
function expectText(text: string, expected: string | undefined): void {
  if (expected === undefined) return;
  if (expected.endsWith('...')) expect(text.startsWith(expected.slice(0, -3))).toBe(true);
  else expect(text).toBe(expected);
}

async function expectKeys(xml: string): Promise<void> {
  const root = await readXmlTree(xml);
  if (elementsNamed(root, 'EncryptedValue').length > 0) return;
  const { keys } = await readSpekeAnswer(xml);
  expect(keys.length).toBeGreaterThan(0);
  for (const { keyId, key } of keys) expect(key.toString('base64')).toBe(keyText(keyId));
}

type Tree = Awaited<ReturnType<typeof readXmlTree>>;

/** Everything that was sent comes back, in its order, but for placeholders that nothing was said for. */
function expectWhole(answered: Tree, asked: Tree, version: string): void {
  for (const [name, value] of asked.attributes) {
    if (isEchoed(name, version))
      expect([asked.name, name, answered.attributes.get(name)]).toEqual([asked.name, name, value]);
  }
  if (asked.name === 'DRMSystem') return;
  const names = answered.children.map((child) => child.name);
  expect(names.filter((name) => asked.children.some((child) => child.name === name))).toEqual(
    asked.children.map((child) => child.name),
  );
  asked.children.forEach((child, at) => {
    const same = asked.children.slice(0, at).filter((one) => one.name === child.name).length;
    expectWhole(answered.children.filter((one) => one.name === child.name)[same] as Tree, child, version);
  });
}

/** xml2js lists namespace declarations with the attributes, by their prefixes. */
function isEchoed(name: string, version: string): boolean {
  if (['xmlns', 'cpix', 'pskc', 'pksc', 'speke', 'ds', 'enc'].includes(name)) return false;
  return name !== 'id' || version === '1.0';
}

function decode(body: Buffer): string {
  const utf16 = body[0] === 0xff && body[1] === 0xfe;
  return body.toString(utf16 ? 'utf16le' : 'utf8').replace(/^\ufeff/, '');
}
