import { SaxesParser, type SaxesTagNS } from 'saxes';
import { CpixError, type CpixErrorCode, type Place } from './error';
import type { DocumentLimits } from './limits';
import { XMLNS_NAMESPACE } from './namespaces';
import type { XmlAttribute, XmlElement, XmlNode } from './xml-element';
import type { XmlEncoding } from './xml-encoding';

/** Reads any document, or says what is wrong with it and where. Throws CpixError. */
export function readStrictly(text: string, encoding: XmlEncoding, limits: DocumentLimits): XmlElement {
  return new Reading(limits, encoding, text).read();
}

const NOT_SPACE = /[^ \t\r\n]/;
const LONGEST_DETAIL = 160;
const AT_THE_START: Place = { path: '/', line: 1, column: 1 };

/** An element while its children are still being read. */
type OpenElement = XmlElement & { readonly children: XmlNode[] };

// A class of our own leaves V8 room in its objects for our seven handlers; saxes itself, given that many through its keyed
// `on`, falls into dictionary mode and reads four times slower.
class StrictParser extends SaxesParser<{ xmlns: true; position: false }> {}

class Reading {
  readonly #parser = new StrictParser({ xmlns: true, position: false });
  readonly #limits: DocumentLimits;
  readonly #encoding: XmlEncoding;
  readonly #text: string;
  #root: XmlElement | undefined;
  #open: OpenElement | undefined;
  #depth = 0;
  #elements = 0;
  #line = 0;
  #column = 0;

  constructor(limits: DocumentLimits, encoding: XmlEncoding, text: string) {
    this.#limits = limits;
    this.#encoding = encoding;
    this.#text = text;
  }

  read(): XmlElement {
    const parser = this.#parser;
    parser.on('error', ({ message }) => this.#refuse('NOT_WELL_FORMED', message));
    parser.on('doctype', () => this.#refuse('DOCTYPE_NOT_ALLOWED', 'a DOCTYPE is not allowed'));
    parser.on('opentagstart', ({ name }) => this.#begin(name));
    parser.on('opentag', (tag) => this.#openTag(tag));
    parser.on('closetag', () => this.#close());
    parser.on('text', (run) => this.#addText(run));
    parser.on('cdata', (run) => this.#addText(run));
    parser.write(this.#text);
    this.#checkDeclaration(); // before close, which forgets it
    parser.close();
    return this.#root ?? this.#refuse('NOT_WELL_FORMED', 'there is no root element');
  }

  #checkDeclaration(): void {
    const { version, encoding } = this.#parser.xmlDecl;
    if (version !== undefined && version !== '1.0') {
      throw new CpixError('UNSUPPORTED_XML_VERSION', 'only XML 1.0 is read', AT_THE_START);
    }
    if (encoding !== undefined && !agrees(encoding, this.#encoding)) {
      const why = `the bytes are ${this.#encoding}, the XML declaration says something else`;
      throw new CpixError('UNSUPPORTED_ENCODING', why, AT_THE_START);
    }
  }

  /** Before the attributes are read: saxes looks prefixes up through all open elements, so depth is stopped first. */
  #begin(name: string): void {
    this.#depth += 1;
    this.#elements += 1;
    if (this.#depth > this.#limits.depth) this.#tooComplex(`elements stand more than ${this.#limits.depth} deep`);
    if (this.#elements > this.#limits.elements) this.#tooComplex(`it has more than ${this.#limits.elements} elements`);
    const { line, columnIndex } = this.#parser;
    this.#line = line;
    this.#column = columnIndex - name.length - 1;
    // The character after the name is read already, and here it ended the line.
    if (columnIndex === 0) this.#backToTagStart();
  }

  #backToTagStart(): void {
    const start = this.#text.lastIndexOf('<', this.#parser.position);
    this.#line -= 1;
    this.#column = start - this.#text.lastIndexOf('\n', start);
  }

  #openTag(tag: SaxesTagNS): void {
    const parent = this.#open;
    const element = this.#element(tag, parent);
    if (parent) append(parent.children, element);
    else this.#root = element;
    this.#open = element;
  }

  #element(tag: SaxesTagNS, parent: OpenElement | undefined): OpenElement {
    const attributes: XmlAttribute[] = [];
    let declares: Record<string, string> | undefined;
    let count = 0;
    for (const name in tag.attributes) {
      const { prefix, local, uri, value } = tag.attributes[name]!;
      if (++count > this.#limits.attributes)
        this.#tooComplex(`a tag has more than ${this.#limits.attributes} attributes`);
      if (value.length > this.#limits.textLength) this.#tooComplex('an attribute is too long');
      if (uri === XMLNS_NAMESPACE)
        (declares ??= Object.create(null) as Record<string, string>)[prefix && local] = value;
      else attributes.push({ namespace: uri, name: local, value, prefix });
    }
    const { uri, local, prefix } = tag;
    const line = this.#line;
    const column = this.#column;
    const base64 = undefined;
    return { namespace: uri, name: local, prefix, attributes, children: [], base64, declares, parent, line, column };
  }

  #close(): void {
    this.#depth -= 1;
    this.#open = this.#open?.parent as OpenElement | undefined;
  }

  #addText(run: string): void {
    const open = this.#open;
    if (!open) return; // white space around the root: saxes refuses anything else there
    if (run.length > this.#limits.textLength) this.#tooComplex('a text is too long');
    // White space between elements is layout; the only text of an element is its value, whatever it is.
    if (open.children.length === 0 || NOT_SPACE.test(run)) open.children.push(run);
  }

  #tooComplex(why: string): never {
    return this.#refuse('DOCUMENT_TOO_COMPLEX', why);
  }

  #refuse(code: CpixErrorCode, why: string): never {
    const { line, columnIndex } = this.#parser;
    const path = this.#open ? pathOf(this.#open) : '/';
    throw new CpixError(code, why.slice(0, LONGEST_DETAIL), { path, line, column: columnIndex });
  }
}

/** Layout before the first child element goes too. */
function append(children: XmlNode[], element: XmlElement): void {
  const first = children[0];
  if (children.length === 1 && typeof first === 'string' && !NOT_SPACE.test(first)) children.pop();
  children.push(element);
}

/** `utf8` and `us-ascii` are what Python's ElementTree declares for bytes that are UTF-8, as ASCII always is. */
const ALSO_UTF_8: ReadonlySet<string> = new Set(['UTF8', 'US-ASCII', 'ASCII']);

function agrees(declared: string, encoding: XmlEncoding): boolean {
  const name = declared.toUpperCase();
  if (encoding === 'UTF-8') return name === encoding || ALSO_UTF_8.has(name);
  return name === encoding || name === 'UTF-16';
}

function pathOf(element: XmlElement): string {
  return `${element.parent ? pathOf(element.parent) : ''}/${element.name}`;
}
