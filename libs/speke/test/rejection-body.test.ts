import { CATALOGUE, describeRejection, FAULT_CODES, SpekeRejection, type FaultCode } from '../src';
import { contentKey, document, drmSystem, KIDS, list, rule, video, WIDEVINE } from './documents';
import { refusal } from './exchange';

const [A = '', B = ''] = KIDS;
const faulty = document({
  root: 'version="2.4"',
  contentKeyList: list('ContentKeyList', [contentKey(A), `<cpix:ContentKey kid="${B}"/>`]),
  drmSystemList: list('DRMSystemList', [drmSystem(A, 'nothing'), drmSystem(B, WIDEVINE)]),
  usageRuleList: list('ContentKeyUsageRuleList', [rule(A, 'SD', video()), rule(B, 'SD', video('minPixels="x"'))]),
});

test('all faults are told, in the order of SPEKE’s checks', () => {
  expect(refusal(faulty).faults.map(({ code }) => code)).toEqual([
    'MISSING_CONTENT_ID',
    'UNSUPPORTED_CPIX_VERSION',
    'MISSING_SCHEME',
    'INVALID_SYSTEM_ID',
    'DUPLICATE_TRACK_TYPE',
    'INVALID_FILTER_VALUE',
  ]);
});

test('as text: the first text alone on the first line, then every fault with its place and code', () => {
  const { contentType, body } = describeRejection(refusal(faulty), {
    as: 'text',
    requestId: 'r-1',
    docs: 'https://x/errors',
  });
  const lines = body.split('\n');
  expect(contentType).toBe('text/plain; charset=utf-8');
  expect(lines[0]).toBe('Missing CPIX@contentId');
  expect(lines.slice(1, 8)).toEqual([
    '',
    '1. Missing CPIX@contentId',
    '   at /CPIX, line 2, column 1 [MISSING_CONTENT_ID]',
    '2. Unsupported CPIX@version: SPEKE 2.0 goes with CPIX 2.3',
    '   at /CPIX/@version, line 2, column 1 [UNSUPPORTED_CPIX_VERSION]',
    `3. Missing ContentKey@commonEncryptionScheme for KID ${B}`,
    expect.stringMatching(/^   at \/CPIX\/ContentKeyList\/ContentKey\[2\], line 4, column \d+ \[MISSING_SCHEME\]$/),
  ]);
  expect(body).toContain('https://x/errors');
  expect(body).toContain('r-1');
});

test('as RFC 9457: the first fault is the problem, with a stable code for each and a link', () => {
  const { contentType, body } = describeRejection(refusal(faulty), { as: 'problem+json', docs: 'https://x/errors.md' });
  expect(contentType).toBe('application/problem+json');
  const problem = JSON.parse(body) as { faults: unknown[] };
  expect(problem).toMatchObject({
    type: 'https://x/errors.md#missing_content_id',
    title: 'Missing CPIX@contentId',
    status: 422,
    code: 'MISSING_CONTENT_ID',
  });
  expect(problem.faults).toHaveLength(6);
  expect(problem.faults[1]).toEqual({
    code: 'UNSUPPORTED_CPIX_VERSION',
    text: 'Unsupported CPIX@version',
    detail: 'SPEKE 2.0 goes with CPIX 2.3',
    path: '/CPIX/@version',
    line: 2,
    column: 1,
  });
});

// promise 13
test('a body has at most 4 KB, however many faults and however long the values', () => {
  const long = '鍵'.repeat(300);
  const kids = Array.from({ length: 64 }, (_, at) => `${at}${long}`);
  const rejection = refusal(document({ root: 'contentId="c" version="2.3"', kids }));
  for (const as of ['text', 'problem+json'] as const) {
    const { body } = describeRejection(rejection, { as, requestId: 'r'.repeat(64) });
    expect(Buffer.byteLength(body)).toBeLessThan(4_096);
    expect(body).toMatch(/and \d+ more|"untold":\d+/);
  }
});

// promise 33
test('what the request wrote does not make lines of its own', () => {
  const kid = 'a&#10;b&#13;c&#x2028;d&#x202e;e';
  const { body } = describeRejection(
    refusal(document({ contentKeyList: list('ContentKeyList', [`<cpix:ContentKey kid="${kid}"/>`]) })),
    { as: 'text' },
  );
  expect(body.split('\n')[0]).toBe('Missing ContentKey@commonEncryptionScheme for KID a�b�c�d�e');
  expect(body).not.toMatch(/[\r\u2028\u202e]/);
});

test('every code has a cause and a fix, and texts of one line', () => {
  for (const code of FAULT_CODES) {
    const { text, cause, fix } = CATALOGUE[code];
    expect([code, text.includes('\n'), cause.length > 10, fix.length > 5]).toEqual([code, false, true, true]);
  }
});

test('statuses: 422 for documents, 400 in SPEKE 1, the door’s own elsewhere', () => {
  const status = (code: FaultCode, version: '1.0' | '2.0') => SpekeRejection.of(code, {}, version).status;
  expect([status('NOT_CPIX', '2.0'), status('NOT_CPIX', '1.0')]).toEqual([422, 400]);
  expect([status('DOCUMENT_TOO_LARGE', '2.0'), status('DOCUMENT_TOO_LARGE', '1.0')]).toEqual([413, 413]);
  expect(status('UNSUPPORTED_MEDIA_TYPE', '1.0')).toBe(415);
});
