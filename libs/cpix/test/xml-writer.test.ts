import fc from 'fast-check';
import { NAMESPACES, newElement, parseXml, serialiseXml, type XmlElement, type XmlNode } from '../src';

const write = (text: string) => serialiseXml(parseXml(Buffer.from(text)));

test('CPIX’s namespaces get their customary prefixes, declared once', () => {
  const xml = write(
    `<CPIX xmlns="${NAMESPACES.cpix}"><a xmlns="${NAMESPACES.enc}"><x:b xmlns:x="${NAMESPACES.ds}"/></a></CPIX>`,
  );
  expect(xml).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<cpix:CPIX xmlns:cpix="${NAMESPACES.cpix}" xmlns:pskc="${NAMESPACES.pskc}" xmlns:ds="${NAMESPACES.ds}" xmlns:enc="${NAMESPACES.enc}">
  <enc:a>
    <ds:b/>
  </enc:a>
</cpix:CPIX>
`);
});

test('a prefix that is ours is never given away', () => {
  const xml = write(
    `<cpix:CPIX xmlns:cpix="${NAMESPACES.cpix}"><cpix:a xmlns:cpix="urn:other" cpix:b="1"/></cpix:CPIX>`,
  );
  const [inner] = parseXml(Buffer.from(xml)).children as XmlElement[];
  expect([inner?.namespace, inner?.attributes[0]?.namespace]).toEqual(['urn:other', 'urn:other']);
  expect(xml).not.toContain('xmlns:cpix="urn:other"');
});

test('what the root declares stays declared', () => {
  expect(write('<r xmlns:x="urn:x"><x:a/></r>')).toContain(
    '<r xmlns:cpix="urn:dashif:org:cpix" xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc" xmlns:x="urn:x">\n  <x:a/>',
  );
});

test('what is of an omitted namespace is gone with its declaration, and an element of nothing else is empty', () => {
  const root = parseXml(
    Buffer.from(
      `<r xmlns:s="${NAMESPACES.speke}" s:a="1" b="2"><c><s:d><e/></s:d></c><f>text<s:d/></f><g><s:d/><e s:a="1"/></g></r>`,
    ),
  );
  const xml = serialiseXml(root, [], 'speke');
  expect(xml).not.toContain(NAMESPACES.speke);
  expect(xml.slice(xml.indexOf(' b='))).toBe(
    ` b="2" xmlns:cpix="${NAMESPACES.cpix}" xmlns:pskc="${NAMESPACES.pskc}">
  <c/>
  <f>text</f>
  <g>
    <e/>
  </g>
</r>
`,
  );
});

test.each(['\u0000', '\u000b', '\ufffe', '\ud800'])('a character that XML cannot carry is refused: %j', (character) => {
  expect(() => serialiseXml(newElement('cpix', 'a', [character]))).toThrow(
    expect.objectContaining({ code: 'UNWRITABLE_TEXT' }),
  );
  expect(() => serialiseXml(newElement('cpix', 'a', [], { b: character }))).toThrow(
    expect.objectContaining({ code: 'UNWRITABLE_TEXT' }),
  );
});

/** Texts that XML 1.0 can carry, those included that need care. */
const text = fc
  .string({ unit: 'grapheme' })
  .filter((value) => !/[\p{Cs}\ufffe\uffff]|[^\P{Cc}\t\n\r\u007f-\u009f]/u.test(value));
const name = fc.constantFrom('a', 'b', 'Key', 'x-1._y', 'é', 'constructor', '__proto__');
const namespace = fc.constantFrom('', 'urn:x', 'urn:y', ...Object.values(NAMESPACES));
const prefix = fc.constantFrom('', 'x', 'y', 'cpix', 'ns1');
const attribute = fc.record({
  namespace: fc.constantFrom('', '', 'urn:x', NAMESPACES.cpix, 'http://www.w3.org/XML/1998/namespace'),
  name,
  value: text,
  prefix,
});
const value = text.map((each): XmlNode[] => (each === '' ? [] : [each]));

function elementOf(levels: number): fc.Arbitrary<XmlElement> {
  return fc.record({
    namespace,
    name,
    prefix,
    attributes: fc.uniqueArray(attribute, { maxLength: 4, selector: (each) => `{${each.namespace}}${each.name}` }),
    children: levels === 0 ? value : fc.oneof(value, fc.array(elementOf(levels - 1), { maxLength: 3 })),
  });
}
const element = elementOf(4);

test('what is written is read back as it was', () => {
  fc.assert(
    fc.property(element, (tree) => {
      expect(shape(parseXml(Buffer.from(serialiseXml(tree))))).toEqual(shape(tree));
    }),
    { numRuns: 500 },
  );
});

test('what is read back is written the same', () => {
  fc.assert(
    fc.property(element, (tree) => {
      const xml = write(serialiseXml(tree));
      expect(write(xml)).toBe(xml);
    }),
    { numRuns: 200 },
  );
});

/** What counts: names, namespaces, attributes, texts, order. */
function shape(node: XmlNode): unknown {
  if (typeof node === 'string') return node;
  const attributes = node.attributes.map((each) => [each.namespace, each.name, each.value]);
  return [node.namespace, node.name, attributes, node.children.map(shape)];
}
