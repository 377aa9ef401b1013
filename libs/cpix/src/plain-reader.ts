import type { DocumentLimits } from './limits';
import { XML_NAMESPACE, XMLNS_NAMESPACE } from './namespaces';
import type { XmlAttribute, XmlElement, XmlNode } from './xml-element';

/**
 * Reads a document as encryptors write them: elements, attributes and texts of printable ASCII, and nothing that XML knows
 * besides. Undefined for any other document and for whatever is wrong with one: the strict reader then reads it from its
 * start, or says what is wrong. This one takes less than half of its time.
 */
export function readPlain(text: string, limits: DocumentLimits): XmlElement | undefined {
  return new PlainReading(text, limits).read();
}

/** No reference, no carriage return, and nothing that could be the end of a CDATA section. */
const PLAIN_TEXT = /^[\t\n -%'-\\^-~]*$/;
const DECLARATION = /^<\?xml version=(?:"1\.0"|'1\.0')(?: encoding=(?:"(?:UTF|utf)-8"|'(?:UTF|utf)-8'))? ?\?>/;

const TAB = 0x09;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const AMPERSAND = 0x26;
const APOSTROPHE = 0x27;
const SLASH = 0x2f;
const COLON = 0x3a;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const TILDE = 0x7e;

/** By character code: may stand in a name, and may begin one. */
const IN_NAME = tableOf(/[A-Za-z0-9._-]/);
const BEGINS_NAME = tableOf(/[A-Za-z_]/);

function tableOf(characters: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => (characters.test(String.fromCharCode(code)) ? 1 : 0));
}

/** An element while it is being read. */
interface OpenElement extends XmlElement {
  readonly attributes: XmlAttribute[];
  readonly children: XmlNode[];
  namespace: string;
  declares: Record<string, string> | undefined;
  readonly parent: OpenElement | undefined;
}

class PlainReading {
  readonly #text: string;
  readonly #limits: DocumentLimits;
  #at = 0;
  #line = 1;
  #lineStart = 0;
  #depth = 0;
  #elements = 0;

  constructor(text: string, limits: DocumentLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  read(): XmlElement | undefined {
    this.#at = DECLARATION.exec(this.#text)?.[0].length ?? 0;
    this.#skipSpace();
    const root = this.#startTag(undefined);
    if (!root || !this.#content(root)) return undefined;
    this.#skipSpace();
    return this.#at === this.#text.length ? root : undefined;
  }

  /** All between the root's tags, and its end tag. False: not plain. */
  #content(root: OpenElement): boolean {
    let open: OpenElement | undefined = this.#depth > 0 ? root : undefined;
    while (open) {
      if (!this.#textIn(open)) return false;
      if (this.#text.charCodeAt(this.#at + 1) === SLASH) {
        if (!this.#endTag(open)) return false;
        open = open.parent;
        continue;
      }
      const depth = this.#depth;
      const child = this.#startTag(open);
      if (!child) return false;
      open.children.push(child);
      if (this.#depth > depth) open = child;
    }
    return true;
  }

  /** Up to the next tag. White space between elements is layout; the only text of an element is its value, whatever it is. */
  #textIn(open: OpenElement): boolean {
    const start = this.#at;
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) === LESS) {
      const isValue = open.children.length === 0 && this.#text.charCodeAt(this.#at + 1) === SLASH && this.#at > start;
      if (isValue) open.children.push(this.#text.slice(start, this.#at));
      return this.#at - start <= this.#limits.textLength;
    }
    const end = this.#text.indexOf('<', this.#at);
    if (end < 0 || end - start > this.#limits.textLength) return false;
    const run = this.#text.slice(start, end);
    this.#countLines(this.#at, end);
    this.#at = end;
    open.children.push(run);
    return PLAIN_TEXT.test(run);
  }

  /** One that is not empty has made the depth greater by one. */
  #startTag(parent: OpenElement | undefined): OpenElement | undefined {
    this.#elements += 1;
    if (this.#depth >= this.#limits.depth || this.#elements > this.#limits.elements) return undefined;
    if (this.#text.charCodeAt(this.#at) !== LESS) return undefined;
    const line = this.#line;
    const column = this.#at - this.#lineStart + 1;
    this.#at += 1;
    const first = this.#name();
    const prefix = this.#isNext(COLON) ? first : '';
    const name = prefix === '' ? first : this.#name();
    if (name === '') return undefined;
    const element: OpenElement = {
      namespace: '',
      name,
      prefix,
      attributes: [],
      children: [],
      base64: undefined,
      declares: undefined,
      parent,
      line,
      column,
    };
    if (!this.#attributes(element)) return undefined;
    const namespace = namespaceOf(element);
    if (namespace === undefined) return undefined;
    element.namespace = namespace;
    return element;
  }

  /** And the end of the tag. */
  #attributes(element: OpenElement): boolean {
    for (let count = 0; ; count++) {
      const before = this.#at;
      this.#skipSpace();
      if (this.#isNext(GREATER)) {
        this.#depth += 1;
        return true;
      }
      if (this.#isNext(SLASH)) return this.#isNext(GREATER);
      if (this.#at === before || count === this.#limits.attributes || !this.#attribute(element)) return false;
    }
  }

  #attribute(element: OpenElement): boolean {
    const name = this.#name();
    const binds = name === 'xmlns' && this.#isNext(COLON) ? this.#name() : undefined;
    if (name === '' || binds === '' || !this.#isNext(EQUALS)) return false;
    const value = this.#value();
    if (value === undefined || value.length > this.#limits.textLength) return false;
    if (name === 'xmlns') return declare(element, binds ?? '', value);
    for (const other of element.attributes) if (other.name === name) return false;
    element.attributes.push({ namespace: '', name, value, prefix: '' });
    return true;
  }

  /** ASCII only; empty: there is none here. */
  #name(): string {
    const text = this.#text;
    const start = this.#at;
    if (BEGINS_NAME[text.charCodeAt(start)] !== 1) return '';
    let at = start + 1;
    while (IN_NAME[text.charCodeAt(at)] === 1) at++;
    this.#at = at;
    return text.slice(start, at);
  }

  /** Of an attribute, without its quotes. White space in it other than spaces would have to become spaces. */
  #value(): string | undefined {
    const text = this.#text;
    const quote = text.charCodeAt(this.#at);
    if (quote !== QUOTE && quote !== APOSTROPHE) return undefined;
    const start = this.#at + 1;
    let at = start;
    for (let code = text.charCodeAt(at); code !== quote; code = text.charCodeAt(++at)) {
      // At the end of the text it is not a number.
      if (!(code >= SPACE && code <= TILDE) || code === LESS || code === AMPERSAND) return undefined;
    }
    this.#at = at + 1;
    return text.slice(start, at);
  }

  #isNext(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at += 1;
    return true;
  }

  #isNextText(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #endTag({ prefix, name }: OpenElement): boolean {
    this.#at += 2;
    if (prefix !== '' && !(this.#isNextText(prefix) && this.#isNext(COLON))) return false;
    if (!this.#isNextText(name)) return false;
    this.#skipSpace();
    this.#depth -= 1;
    return this.#isNext(GREATER);
  }

  #skipSpace(): void {
    const text = this.#text;
    let at = this.#at;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === NEWLINE) this.#newLine(at);
      else if (code !== SPACE && code !== TAB) break;
    }
    this.#at = at;
  }

  #countLines(from: number, to: number): void {
    const text = this.#text;
    for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) this.#newLine(at);
  }

  #newLine(at: number): void {
    this.#line += 1;
    this.#lineStart = at + 1;
  }
}

/** False: not as namespaces may be declared, or not as they are usually. */
function declare(element: OpenElement, prefix: string, value: string): boolean {
  if (value === '' || value.trim() !== value || RESERVED.has(prefix) || RESERVED.has(value)) return false;
  element.declares ??= Object.create(null) as Record<string, string>;
  if (element.declares[prefix] !== undefined) return false;
  element.declares[prefix] = value;
  return true;
}

const RESERVED: ReadonlySet<string> = new Set(['xml', 'xmlns', XML_NAMESPACE, XMLNS_NAMESPACE]);

/** The namespace of an element; undefined: nothing binds its prefix. */
function namespaceOf({ prefix, declares, parent }: OpenElement): string | undefined {
  if (parent && parent.prefix === prefix && !declares) return parent.namespace;
  let namespace = declares?.[prefix];
  for (let at = parent; at && namespace === undefined; at = at.parent) namespace = at.declares?.[prefix];
  return namespace ?? (prefix === '' ? '' : undefined);
}
