import { CpixError, parseXml, placeOf, textOf, type DocumentLimits, type XmlElement } from '../src';

const read = (text: string, limits: Partial<DocumentLimits> = {}) => parseXml(Buffer.from(text), limits);
const refused = (body: string | Buffer, limits: Partial<DocumentLimits> = {}): CpixError => {
  try {
    parseXml(Buffer.from(body as string), limits);
  } catch (error) {
    if (error instanceof CpixError) return error;
    throw error;
  }
  throw new Error('it was not refused');
};
const code = (body: string | Buffer, limits = {}) => refused(body, limits).code;

test('namespaces, attributes, order and text are kept', () => {
  const root = read('<r xmlns="urn:r" xmlns:p="urn:p" a="1" p:a="2"><p:b>x<![CDATA[ <y> ]]></p:b><c/><p:b/></r>');
  expect([root.namespace, root.name]).toEqual(['urn:r', 'r']);
  expect(root.attributes.map(({ namespace, name, value }) => [namespace, name, value])).toEqual([
    ['', 'a', '1'],
    ['urn:p', 'a', '2'],
  ]);
  expect(root.children.map((child) => (child as XmlElement).name)).toEqual(['b', 'c', 'b']);
  expect(textOf(root.children[0] as XmlElement)).toBe('x <y>');
});

test('comments, processing instructions and layout are gone', () => {
  const root = read(
    '<?xml version="1.0"?><?a b?><!-- <!DOCTYPE x> --><r>\n  <!-- c -->\n  <a>\n <!-- in --> </a>\r\n</r>\n',
  );
  expect(root.children).toHaveLength(1);
  expect(textOf(root.children[0] as XmlElement)).toBe('');
});

test('attributes may be called anything', () => {
  const root = read('<r __proto__="1" constructor="2" toString="3"/>');
  expect(root.attributes.map(({ name }) => name)).toEqual(['__proto__', 'constructor', 'toString']);
});

describe('places', () => {
  test('are paths with numbers where there are several, and the line and column of the tag', () => {
    const root = read('<r>\n  <a/>\n  <b\n    x="1"/><a\r\n\n/>\n</r>');
    const [a, b, second] = root.children as XmlElement[];
    expect(placeOf(a!)).toEqual({ path: '/r/a[1]', line: 2, column: 3 });
    expect(placeOf(b!, 'x')).toEqual({ path: '/r/b/@x', line: 3, column: 3 });
    expect(placeOf(second!)).toEqual({ path: '/r/a[2]', line: 4, column: 12 });
  });
  test('of what is not well-formed are where the reader stopped', () => {
    expect(refused('<r>\n  <a><b></a></r>').place).toMatchObject({ line: 2, path: '/r/a' });
  });
});

describe('encodings', () => {
  const text = '<r a="é€🔑"/>';
  test.each([
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-8, declared', Buffer.from(`<?xml version="1.0" encoding="utf-8"?>${text}`)],
    // ElementTree.tostring(root, encoding='utf8')
    ['UTF-8, declared as Python spells it', Buffer.from(`<?xml version='1.0' encoding='utf8'?>${text}`)],
    // ElementTree.tostring(root, xml_declaration=True)
    ['ASCII, declared', Buffer.from(`<?xml version='1.0' encoding='us-ascii'?><r a="&#233;&#8364;&#128273;"/>`)],
    ['UTF-16LE with a mark', Buffer.from(`\ufeff${text}`, 'utf16le')],
    [
      'UTF-16BE with a mark, declared',
      Buffer.from(`\ufeff<?xml version="1.0" encoding="UTF-16"?>${text}`, 'utf16le').swap16(),
    ],
  ])('%s is read', (_, body) => {
    expect(parseXml(body).attributes[0]?.value).toBe('é€🔑');
  });
  test.each([
    ['UTF-16 without a mark', Buffer.from(text, 'utf16le')],
    ['UTF-16BE without a mark', Buffer.from(text, 'utf16le').swap16()],
    ['Latin-1, declared', Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><r/>')],
    ['UTF-7, declared', Buffer.from('<?xml version="1.0" encoding="UTF-7"?><r/>')],
    ['UTF-16 declared over UTF-8', Buffer.from('<?xml version="1.0" encoding="UTF-16"?><r/>')],
    ['UTF-8 declared over UTF-16', Buffer.from('\ufeff<?xml version="1.0" encoding="UTF-8"?><r/>', 'utf16le')],
  ])('%s is refused', (_, body) => {
    expect(code(body)).toBe('UNSUPPORTED_ENCODING');
  });
  test.each([
    ['a byte that is no UTF-8', Buffer.from([0x3c, 0x72, 0x3e, 0xe9, 0x3c, 0x2f, 0x72, 0x3e])],
    ['an overlong slash', Buffer.from([0x3c, 0x72, 0xc0, 0xaf, 0x3e])],
    ['a surrogate in UTF-8', Buffer.from([0x3c, 0x72, 0x3e, 0xed, 0xa0, 0x80, 0x3c, 0x2f, 0x72, 0x3e])],
    ['half a UTF-16 character', Buffer.from([0xff, 0xfe, 0x3c, 0x00, 0x72])],
    ['two marks', Buffer.from(`\ufeff\ufeff${text}`)],
  ])('%s is not well-formed', (_, body) => {
    expect(code(body)).toBe('NOT_WELL_FORMED');
  });
});

describe('what is refused', () => {
  test.each([
    ['EMPTY_DOCUMENT', ''],
    ['EMPTY_DOCUMENT', ' \r\n\t'],
    ['NOT_WELL_FORMED', 'text'],
    ['NOT_WELL_FORMED', '{"a":1}'],
    ['NOT_WELL_FORMED', '<!-- nothing else -->'],
    ['NOT_WELL_FORMED', '<r>'],
    ['NOT_WELL_FORMED', '<r/><r/>'],
    ['NOT_WELL_FORMED', '<r/>x'],
    ['NOT_WELL_FORMED', ' <?xml version="1.0"?><r/>'],
    ['NOT_WELL_FORMED', '<r a="1" a="2"/>'],
    ['NOT_WELL_FORMED', '<r xmlns:p="u" xmlns:q="u" p:a="1" q:a="2"/>'],
    ['NOT_WELL_FORMED', '<r a=1/>'],
    ['NOT_WELL_FORMED', '<r a/>'],
    ['NOT_WELL_FORMED', '<r a="<"/>'],
    ['NOT_WELL_FORMED', '<p:r/>'],
    ['NOT_WELL_FORMED', '<r p:a="1"/>'],
    ['NOT_WELL_FORMED', '<r>&nbsp;</r>'],
    ['NOT_WELL_FORMED', '<r>&#0;</r>'],
    ['NOT_WELL_FORMED', '<r>&#xD800;</r>'],
    ['NOT_WELL_FORMED', '<r>\u0001</r>'],
    ['NOT_WELL_FORMED', '<r>]]></r>'],
    ['NOT_WELL_FORMED', '<?xml version="2.0"?><r/>'],
    ['UNSUPPORTED_XML_VERSION', '<?xml version="1.1"?><r>&#1;</r>'],
    ['DOCTYPE_NOT_ALLOWED', '<!DOCTYPE r><r/>'],
    ['DOCTYPE_NOT_ALLOWED', '<!-- x -->\n<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>'],
    ['DOCTYPE_NOT_ALLOWED', '<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>'],
  ])('%s: %s', (expected, text) => {
    expect(code(text)).toBe(expected);
  });
});

// promise 30: the limits are constants in one table, each with its refusal
describe('limits', () => {
  test('bytes', () => {
    expect(code('<r/>', { bytes: 3 })).toBe('DOCUMENT_TOO_LARGE');
    expect(code(`<r>${'x'.repeat(600_000)}</r>`)).toBe('DOCUMENT_TOO_LARGE');
  });
  test.each<[string, Partial<DocumentLimits>, string]>([
    ['depth', { depth: 2 }, '<a><b><c/></b></a>'],
    ['elements', { elements: 3 }, '<a><b/><b/><b/></a>'],
    ['attributes', { attributes: 2 }, '<a b="" c="" d=""/>'],
    ['the length of a text', { textLength: 3 }, '<a>four</a>'],
    ['the length of CDATA', { textLength: 3 }, '<a><![CDATA[four]]></a>'],
    ['the length of an attribute', { textLength: 3 }, '<a b="four"/>'],
  ])('%s', (_, limits, text) => {
    expect(code(text, limits)).toBe('DOCUMENT_TOO_COMPLEX');
    expect(read(text).name).toBe('a');
  });
  test('a hundred thousand open elements are refused at the depth limit, whatever they declare', () => {
    expect(code('<a xmlns:p="u">'.repeat(30_000))).toBe('DOCUMENT_TOO_COMPLEX');
  });
});

test('an error never quotes what is in the document but for names', () => {
  const secret = 'AAECAwQFBgcICQoLDA0ODw==';
  const error = refused(`<r><k>${secret}</k><b></c></r>`);
  expect(JSON.stringify({ ...error, message: error.message })).not.toContain(secret);
  expect(refused(`<${'n'.repeat(10_000)}`).message.length).toBeLessThan(200);
});
