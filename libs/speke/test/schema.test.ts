import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { badInputFixtures, spekeFixtures } from '@latchkey/testing';
import { answer, exchange, parse, partsFor } from './exchange';
import { ASKS, document, drmSystem, KIDS, list, WIDEVINE } from './documents';
import { answerSpekeRequest } from '../src';

const SCHEMAS = join(__dirname, 'fixtures/xsd');
const present = spawnSync('xmllint', ['--version']).status === 0;
if (!present && process.env['CI']) throw new Error('xmllint is missing: apt-get install libxml2-utils');
if (!present) console.warn('skipped: xmllint is not installed (apt-get install libxml2-utils)');
const withXmllint = present ? test : test.skip;

/** Answers are checked against 2.3.1, those of SPEKE 2.1 against 2.4 too as far as AWS's own form allows. */
const documents = [
  ...spekeFixtures().map(({ file, spekeVersion, body }) => ({ name: file, header: spekeVersion, body })),
  ...badInputFixtures()
    .filter(({ group }) => group !== 'raw' && group !== 'http' && group !== 'encoding-http')
    .map(({ id, speke, body }) => ({ name: id, header: speke, body })),
];

withXmllint.each(['2.3.1', '2.4'])(
  'answers are valid CPIX %s whenever their requests are',
  (version) => {
    let valid = 0;
    for (const { name, header, body } of documents) {
      const outcome = exchange(header, body);
      if ('rejection' in outcome || faultsOf(version, body) !== '') continue;
      expect([name, faultsOf(version, outcome.answer)]).toEqual([name, '']);
      valid++;
    }
    expect(valid).toBeGreaterThan(version === '2.4' ? 3 : 50);
  },
  120_000,
);

withXmllint('encrypted answers are valid CPIX 2.3.1, though no request for them can be', () => {
  for (const file of ['v1/encrypted_live_widevine.xml', 'v2/encrypted_live.xml', 'v2.1/encrypted.xml']) {
    const { body, header } = documents.find(({ name }) => name === file)!;
    const outcome = exchange(header, body);
    expect([file, 'answer' in outcome && faultsOf('2.3.1', outcome.answer)]).toEqual([file, '']);
  }
});

withXmllint('a SPEKE 2.1 answer with every policy is valid CPIX 2.4', () => {
  const asks = ASKS.replace('master', 'multiVariant');
  const body = document({
    version: '2.1',
    drmSystemList: list(
      'DRMSystemList',
      KIDS.slice(0, 2).map((kid) => drmSystem(kid, WIDEVINE, asks)),
    ),
  });
  const request = parse(body, '2.1');
  const tracks = [
    {
      trackType: '*',
      hdcp: { hlsLevel: 'TYPE-1', outputProtection: '<OutputProtection xmlns="urn:mpeg:dash:schema:mpd:2011"/>' },
      robustness: { [WIDEVINE]: 'HW_SECURE_ALL' },
      hlsAllowedCpc: { [WIDEVINE]: 'com.widevine.alpha:HW' },
    },
  ];
  expect(faultsOf('2.4', body)).toBe('');
  expect(faultsOf('2.4', answerSpekeRequest(request, { ...partsFor(request), tracks }))).toBe('');
});

withXmllint('Data stands where the schema has it, between the other parts of a key', () => {
  const body = document({
    contentKeyList: list(
      'ContentKeyList',
      KIDS.slice(0, 2).map(
        (kid) =>
          `<cpix:ContentKey kid="${kid}" commonEncryptionScheme="cenc"><cpix:Issuer>x</cpix:Issuer><cpix:UserId>u</cpix:UserId></cpix:ContentKey>`,
      ),
    ),
  });
  expect(faultsOf('2.3.1', body)).toBe('');
  expect(faultsOf('2.3.1', answer(parse(body)))).toBe('');
});

/** xmllint reads the body from its standard input, and nothing from the network. */
function faultsOf(version: string, body: string | Uint8Array): string {
  const schema = join(SCHEMAS, version, 'cpix.xsd');
  const { status, stderr } = spawnSync('xmllint', ['--nonet', '--noout', '--schema', schema, '-'], { input: body });
  return status === 0 ? '' : stderr.toString();
}
