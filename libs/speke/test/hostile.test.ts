import fc from 'fast-check';
import { base64, contentId, requestedKey, signalingItem } from '@latchkey/messages';
import { spekeFixtures } from '@latchkey/testing';
import { parseXml, serialiseXml } from '@latchkey/cpix';
import { describeRejection, parseSpekeRequest, SPEKE_VERSIONS, SpekeRejection, type SpekeRequest } from '../src';
import { document } from './documents';
import { answer, exchange } from './exchange';

const good = spekeFixtures().filter(({ status }) => status === 200);
const fixture = fc.constantFrom(...good);
const version = fc.constantFrom(...SPEKE_VERSIONS);

/** A change to a document's bytes: some removed, some put in their place. */
const snippet = fc.oneof(
  fc.constantFrom(
    '<',
    '>',
    '/',
    '"',
    '&',
    '&lt;',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<?x',
    'xmlns=""',
    '\u0000',
    '\ufeff',
    '<cpix:',
    '+',
    ' kid="',
  ),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.nat({ max: 40 }),
  put: snippet,
});

function mutate(body: Buffer, mutations: readonly { at: number; removed: number; put: string }[]): Buffer {
  return mutations.reduce((bytes, { at, removed, put }) => {
    const from = Math.floor(at * bytes.length);
    return Buffer.concat([bytes.subarray(0, from), Buffer.from(put), bytes.subarray(from + removed)]);
  }, body);
}

// promise 30
test('whatever becomes of a document on the way, it is answered or refused in our words', () => {
  fc.assert(
    fc.property(fixture, version, fc.array(mutation, { minLength: 1, maxLength: 6 }), ({ body }, header, mutations) => {
      expectAnswerOrRefusal(header, mutate(body, mutations));
    }),
    { numRuns: 1_500 },
  );
});

// promise 30
test('whatever bytes come', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), version, (body, header) => expectAnswerOrRefusal(header, body)),
    { numRuns: 500 },
  );
});

/** Attributes of the places where numbers, names and identifiers stand. */
const SLOTS = [
  'contentId="film-1"',
  'version="2.3"',
  'kid="11111111-',
  'systemId="edef8ba9-',
  'commonEncryptionScheme="cenc"',
  'intendedTrackType="VIDEO"',
  'playlist="media"',
];

// promises 30, 33
test('whatever an attribute says', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...SLOTS),
      fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.string({ minLength: 200, maxLength: 2_000 })),
      (slot, value) => {
        const [name = ''] = slot.split('=');
        const escaped = value.replace(/[<&"\u0000-\u001f\ufffe\uffff]|\p{Cs}/gu, '_');
        const body = document().replace(new RegExp(`${name}="[^"]*"`), `${name}="${escaped}"`);
        expectAnswerOrRefusal('2.0', Buffer.from(body));
      },
    ),
    { numRuns: 500 },
  );
});

test('a document means the same however it is written', () => {
  fc.assert(
    fc.property(fixture, fc.constantFrom('q', 'a-1._b', 'é', ''), ({ spekeVersion, body }, prefix) => {
      const text = body[0] === 0xff ? body.toString('utf16le') : body.toString();
      const renamed = text
        .replace(/^\ufeff/, '')
        .replaceAll('cpix:', prefix === '' ? '' : `${prefix}:`)
        .replace(prefix === '' ? 'xmlns:cpix' : `xmlns:cpix`, prefix === '' ? 'xmlns' : `xmlns:${prefix}`)
        .replace(/encoding="[^"]*"/, 'encoding="UTF-8"');
      const [one, other] = [exchange(spekeVersion, body), exchange(spekeVersion, renamed)];
      expect(answerOf(other)).toBe(answerOf(one));
    }),
  );
});

test('what is parsed, written and parsed again asks for the same', () => {
  for (const { spekeVersion, body } of good) {
    const again = Buffer.from(serialiseXml(parseXml(body)));
    const wish = (bytes: Uint8Array) => {
      const { document: _, ...request } = parseSpekeRequest((spekeVersion ?? '1.0') as '2.0', bytes);
      return request;
    };
    expect(wish(again)).toEqual(wish(body));
  }
});

test('an answer that is sent back as a request is refused, keys and all', () => {
  for (const { spekeVersion, body } of good) {
    const first = exchange(spekeVersion, body);
    if (!('answer' in first)) throw new Error('it was refused');
    const second = exchange(spekeVersion, first.answer);
    expect('rejection' in second && second.rejection.code).toBe('KEY_IN_REQUEST');
  }
});

test('thousands of elements of each kind are answered or refused within the reader’s limits', () => {
  const many = (element: string, count: number) => element.repeat(count);
  const bodies = [
    document({
      drmSystemList: `<cpix:DRMSystemList>${many('<cpix:DRMSystem kid="x" systemId="y"/>', 6_000)}</cpix:DRMSystemList>`,
    }),
    document({
      usageRuleList: `<cpix:ContentKeyUsageRuleList>${many('<cpix:ContentKeyUsageRule/>', 6_000)}</cpix:ContentKeyUsageRuleList>`,
    }),
    document({
      periodList: `<cpix:ContentKeyPeriodList>${many('<cpix:ContentKeyPeriod/>', 6_000)}</cpix:ContentKeyPeriodList>`,
    }),
    document({ contentKeyList: `<cpix:ContentKeyList>${many('<cpix:ContentKey/>', 6_000)}</cpix:ContentKeyList>` }),
    document({ more: many('<cpix:x/>', 7_000) }),
  ];
  for (const body of bodies) expectAnswerOrRefusal('2.0', Buffer.from(body));
});

/** What is accepted here must not be refused further in: there it would be our failure, not the encryptor's. */
function expectFit(request: SpekeRequest): void {
  expect(contentId.safeParse(request.contentId).error).toBeUndefined();
  for (const key of request.keys) expect(requestedKey.safeParse(key).error).toBeUndefined();
  for (const system of request.systems) {
    for (const { wants } of system.keys) expect(signalingItem.array().safeParse(wants).error).toBeUndefined();
  }
  for (const certificate of request.recipients ?? []) expect(base64.safeParse(certificate).error).toBeUndefined();
}

function expectAnswerOrRefusal(header: string, body: Uint8Array): void {
  const outcome = exchange(header, body);
  if ('answer' in outcome) {
    expectFit(outcome.request);
    return void expect(answer(outcome.request)).toContain('cpix:CPIX');
  }
  expect(outcome.rejection).toBeInstanceOf(SpekeRejection);
  expect(outcome.rejection.status).toBeGreaterThanOrEqual(400);
  expect(outcome.rejection.status).toBeLessThan(500);
  const { body: text } = describeRejection(outcome.rejection, { as: 'text' });
  expect(Buffer.byteLength(text)).toBeLessThan(4_096);
}

function answerOf(outcome: ReturnType<typeof exchange>): string {
  // Encryption is different each time.
  return 'answer' in outcome ? outcome.answer.replace(/>[A-Za-z0-9+/=]{40,}</g, '><') : outcome.rejection.message;
}
