import { CATALOGUE, FAULT_CODES, SpekeRejection, spekeVersionOf } from '../src';
import { contentKey, contract, document, drmSystem, FAIRPLAY, KIDS, list, rule, video } from './documents';
import { refusal } from './exchange';

const [kid = '', other = ''] = KIDS;
const keys = (...schemes: string[]) =>
  list(
    'ContentKeyList',
    schemes.map((scheme, at) => contentKey(KIDS[at] as string, scheme)),
  );

/** SPEKE 2.0, error handling: the ten texts, byte for byte, and a document for each. */
const OFFICIAL: [text: string, refuse: () => SpekeRejection][] = [
  ['Missing CPIX@contentId', () => refusal(document({ root: 'version="2.3"' }))],
  ['Missing CPIX@contentId', () => refusal(document({ root: 'contentId="" version="2.3"' }))],
  ['Missing CPIX@version', () => refusal(document({ root: 'contentId="a"' }))],
  ['Missing CPIX@version', () => refusal(document({ root: 'contentId="a" version=""' }))],
  ['Unsupported CPIX@version', () => refusal(document({ root: 'contentId="a" version="2.4"' }))],
  ['Unsupported CPIX@version', () => refusal(document({ root: 'contentId="a" version="2.3"' }), '2.1')],
  [
    `Missing ContentKey@commonEncryptionScheme for KID ${other}`,
    () =>
      refusal(
        document({ contentKeyList: list('ContentKeyList', [contentKey(kid), `<cpix:ContentKey kid="${other}"/>`]) }),
      ),
  ],
  [
    `Missing ContentKey@commonEncryptionScheme for KID ${kid}`,
    () => refusal(document({ contentKeyList: keys('', 'cenc') })),
  ],
  [
    'Non compliant ContentKey@commonEncryptionScheme combination',
    () => refusal(document({ contentKeyList: keys('cenc', 'cbcs') })),
  ],
  [
    `ContentKey@commonEncryptionScheme non compatible with DRMSystem ${FAIRPLAY.toUpperCase()}`,
    () => refusal(document({ drmSystemList: list('DRMSystemList', [drmSystem(kid, FAIRPLAY.toUpperCase())]) })),
  ],
  ['Unsupported SPEKE version', () => refusedHeader('3.0')],
  ['Malformed encryption contract', () => refusal(contract([rule(kid, 'ALL', video())]))],
  [
    'Requested CPIX encryption contract not supported',
    () =>
      refusal(contract([rule(kid, 'ALL', `${video()}<cpix:AudioFilter/>`)]), '2.0', {
        policy: { refuseSharedUhdKey: true },
      }),
  ],
  ['Missing CPIX encryption contract', () => refusal(document({ usageRuleList: '<cpix:ContentKeyUsageRuleList/>' }))],
];

test.each(OFFICIAL)('%s', (text, refuse) => {
  const rejection = refuse();
  expect(rejection.message).toBe(text);
  expect(rejection.status).toBe(422);
});

test('there are ten of them in the catalogue', () => {
  const texts = FAULT_CODES.map((code) => CATALOGUE[code]).filter((entry) => 'official' in entry);
  expect(new Set(texts.map(({ text }) => text)).size).toBe(10);
  for (const [text] of OFFICIAL)
    expect(texts.some((entry) => text.startsWith(entry.text.replace(/\{.*/, '')))).toBe(true);
});

describe('X-Speke-Version', () => {
  test.each([
    [undefined, '1.0'],
    ['1.0', '1.0'],
    ['2.0', '2.0'],
    ['2.1', '2.1'],
  ])('%s means SPEKE %s', (header, version) => {
    expect(spekeVersionOf(header)).toBe(version);
  });

  // promise 35
  test.each(['', '2', '2.2', '1.5', '3.0', '2.0, 1.0', 'v2.0', '2.00'])('%j is refused', (header) => {
    expect(refusedHeader(header).code).toBe('UNSUPPORTED_SPEKE_VERSION');
  });
});

test('in SPEKE 1 what is wrong in a document is a 400', () => {
  expect(refusal(document(), '1.0')).toMatchObject({ code: 'MISSING_ID', status: 400, message: 'Missing CPIX@id' });
});

function refusedHeader(header: string): SpekeRejection {
  try {
    spekeVersionOf(header);
  } catch (error) {
    if (error instanceof SpekeRejection) return error;
  }
  throw new Error('it was not refused');
}
