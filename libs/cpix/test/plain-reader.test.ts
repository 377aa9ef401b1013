import { badInputFixtures, spekeFixtures } from '@latchkey/testing';
import { CpixError, DEFAULT_LIMITS, type DocumentLimits, type XmlElement } from '../src';
import { readPlain } from '../src/plain-reader';
import { readStrictly } from '../src/strict-reader';

const requests = spekeFixtures().map(({ body }) => body.toString());
// Decoding with replacements is fine: what matters here is that both readers are given the same text.
const documents = [...requests, ...badInputFixtures().map(({ body }) => body.toString())];

test('most requests of the corpus are plain', () => {
  const plain = requests.filter((text) => readPlain(text, DEFAULT_LIMITS));
  expect(plain.length).toBeGreaterThan(0.9 * requests.length);
});

// promises 30, 31, 33
describe('what is plain is read as the strict reader reads it', () => {
  test.each([{}, { depth: 4 }, { elements: 12 }, { attributes: 3 }, { textLength: 36 }])(
    'documents of the corpus, with the limits %j',
    (limits) => {
      for (const text of documents) expectOneReading(text, { ...DEFAULT_LIMITS, ...limits });
    },
  );

  test.each([0, 1])('and a document with anything anywhere in it, in place of %d characters', (cut) => {
    for (let at = 0; at <= DOCUMENT.length; at++) {
      for (const piece of PIECES) {
        expectOneReading(DOCUMENT.slice(0, at) + piece + DOCUMENT.slice(at + cut), DEFAULT_LIMITS);
      }
    }
  });

  test.each([4, 5, 6])(
    'and white space is counted as text, of which %d characters may stand together',
    (textLength) => {
      expectOneReading('<a>     </a>', { ...DEFAULT_LIMITS, textLength });
      expectOneReading('<a>     <b/></a>', { ...DEFAULT_LIMITS, textLength });
    },
  );
});

const DOCUMENT = `<?xml version="1.0"?>
<p:r a="1" xmlns:p="urn:p">
  <p:b xmlns='urn:b'
    c='2'>text\n</p:b> <d></d>
</p:r>
`;
const CONTENTS = [
  '&amp;',
  '&#65;',
  '&',
  'text',
  ']]>',
  '<!-- -->',
  '<?a b?>',
  '<![CDATA[x]]>',
  '<a/>',
  '<a> </a>',
  '</a>',
];
const NAMES = [
  '<p:a/>',
  '<p:/>',
  '<xmlns:a/>',
  '<xml:a/>',
  '<a:b:c/>',
  '<:a/>',
  '<a:/>',
  '<__proto__/>',
  '<1/>',
  'é',
  'p:',
  ':',
];
const ATTRIBUTES = [
  'xmlns:p="u" xmlns:p="v"',
  '="1"',
  'a="1"',
  `a='1"'`,
  'a = "1"',
  'a="1" a="2"',
  'a="1"b="2"',
  'a=">"',
  'a="<"',
  'a',
  'a=1',
  'p:a="1"',
];
const DECLARATIONS = ['', ':p', ':xml', ':xmlns', ':cpix', ':__proto__', ':'].flatMap((prefix) =>
  ['u', '', ' u ', 'http://www.w3.org/2000/xmlns/', 'http://www.w3.org/XML/1998/namespace', '&#65;'].map(
    (value) => `xmlns${prefix}="${value}"`,
  ),
);
const CHARACTERS = [...'<>"\'=/&;\t\n\r \u0000\u0001\u007f\u00a0\u2028\ufffe\ufeff\ud800'];
const PROLOGS = [
  `<?xml version="1.0"?>`,
  `<?xml version='1.0' encoding='utf-8' ?>`,
  `<?xml version="1.1"?>`,
  '<!DOCTYPE a>',
];

const PIECES = [
  ...['', ...CONTENTS, ...NAMES, ...CHARACTERS, ...PROLOGS],
  ...[...ATTRIBUTES, ...DECLARATIONS].map((attribute) => ` ${attribute} `),
  ...[...ATTRIBUTES, ...DECLARATIONS].map((attribute) => `<a ${attribute}/>`),
  ...DECLARATIONS.map((declaration) => `<p:a ${declaration}><p:b/></p:a>`),
  ...[...CONTENTS, ...NAMES, ...CHARACTERS].map((content) => `<a>${content}</a>`),
];

/** What the plain reader does not read, the other one judges. */
function expectOneReading(text: string, limits: DocumentLimits): void {
  const plain = readPlain(text, limits);
  if (!plain) return;
  const content = contentOf(plain);
  const expected = strictReading(text, limits);
  // Thousands of documents: the matcher is called for what is worth telling.
  if (content !== expected) expect({ text, content }).toEqual({ text, content: expected });
}

function strictReading(text: string, limits: DocumentLimits): string {
  try {
    return contentOf(readStrictly(text, 'UTF-8', limits));
  } catch (error) {
    if (error instanceof CpixError) return `refused: ${error.message}`;
    throw error;
  }
}

/** Places and declarations among it. */
function contentOf(root: XmlElement): string {
  return JSON.stringify(root, (name, value: unknown) => (name === 'parent' ? undefined : value));
}
