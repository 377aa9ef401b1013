import { CpixError } from './error';
import { customaryPrefix, NAMESPACES, XML_NAMESPACE, type CustomaryPrefix } from './namespaces';
import type { XmlElement, XmlNode } from './xml-element';

/**
 * A document as text, laid out by two spaces. CPIX's namespaces get their customary prefixes, whatever they came with, all
 * declared on the root: cpix and pskc always, the others if something in the document is of them or `declare` names them.
 * What is of the namespace of `omit` is left out. Foreign namespaces keep their prefix where they can. An element that has
 * text gets no layout. Throws CpixError UNWRITABLE_TEXT for a character that XML 1.0 cannot carry.
 */
export function serialiseXml(
  root: XmlElement,
  declare: readonly CustomaryPrefix[] = [],
  omit?: CustomaryPrefix,
): string {
  const omitted = omit && NAMESPACES[omit];
  const writing: Writing = { used: new Set<CustomaryPrefix>(['cpix', 'pskc', ...declare]), omitted };
  const scope = rootScope(root);
  const start = startTag(root, scope, writing);
  const rest = content(root, start.name, start.scope, writing, '\n');
  const customary = CUSTOMARY.filter((prefix) => writing.used.has(prefix)).map((prefix) => DECLARATIONS[prefix]);
  const foreign = [...scope].map(([prefix, namespace]) => declaration(prefix, namespace));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${start.name}${start.attributes}${customary.join('')}${foreign.join('')}${rest}\n`;
}

interface Writing {
  readonly used: Set<CustomaryPrefix>;
  /** A namespace whose elements and attributes are not written. */
  readonly omitted: string | undefined;
}

/** Foreign prefixes in force. */
type Scope = ReadonlyMap<string, string>;

interface StartTag {
  readonly name: string;
  /** Attributes and foreign declarations, each with a space before it. */
  readonly attributes: string;
  readonly scope: Scope;
}

const CUSTOMARY = Object.keys(NAMESPACES) as CustomaryPrefix[];
const DECLARATIONS = Object.fromEntries(
  CUSTOMARY.map((prefix) => [prefix, ` xmlns:${prefix}="${NAMESPACES[prefix]}"`]),
) as Record<CustomaryPrefix, string>;

/** What the root declared stays declared, used or not, unless it is ours to name. */
function rootScope(root: XmlElement): Scope {
  const declared = Object.entries(root.declares ?? {});
  return new Map(declared.filter(([prefix, namespace]) => isFree(prefix) && customaryPrefix(namespace) === undefined));
}

function isFree(prefix: string): boolean {
  return prefix !== '' && prefix !== 'xml' && !Object.hasOwn(NAMESPACES, prefix);
}

function write(element: XmlElement, scope: Scope, writing: Writing, indent: string): string {
  const start = startTag(element, scope, writing);
  return `<${start.name}${start.attributes}${content(element, start.name, start.scope, writing, indent)}`;
}

/** What follows a start tag's attributes: `/>`, or `>`, the children and the end tag. */
function content(element: XmlElement, name: string, scope: Scope, writing: Writing, indent: string): string {
  const { base64, children } = element;
  if (base64 !== undefined) return `>${base64}</${name}>`;
  const deeper = `${indent}  `;
  const layout = hasText(children) ? '' : deeper;
  let inner = '';
  for (const child of children) {
    if (typeof child === 'string') inner += escapeText(child);
    else if (child.namespace !== writing.omitted) inner += layout + write(child, scope, writing, deeper);
  }
  if (inner === '' && layout !== '') return '/>';
  return `>${inner}${layout === '' ? '' : indent}</${name}>`;
}

function hasText(children: readonly XmlNode[]): boolean {
  for (const child of children) if (typeof child === 'string') return true;
  return false;
}

function startTag(element: XmlElement, scope: Scope, writing: Writing): StartTag {
  const named = qualify(element.namespace, element.prefix, element.name, scope, writing, true);
  let { scope: inner } = named;
  let attributes = named.declared;
  for (const { namespace, prefix = '', name, value } of element.attributes) {
    if (namespace === '') attributes += ` ${name}="${escapeAttribute(value)}"`;
    else if (namespace !== writing.omitted) {
      const qualified = qualify(namespace, prefix, name, inner, writing, false);
      inner = qualified.scope;
      attributes += `${qualified.declared} ${qualified.name}="${escapeAttribute(value)}"`;
    }
  }
  return { name: named.name, attributes, scope: inner };
}

interface Qualified {
  readonly name: string;
  /** The declaration that the name needs and that is not yet in force. */
  readonly declared: string;
  readonly scope: Scope;
}

function qualify(
  namespace: string,
  prefix: string,
  local: string,
  scope: Scope,
  writing: Writing,
  mayBeDefault: boolean,
): Qualified {
  const customary = customaryPrefix(namespace);
  if (customary) {
    writing.used.add(customary);
    return { name: `${customary}:${local}`, declared: '', scope };
  }
  if (namespace === XML_NAMESPACE) return { name: `xml:${local}`, declared: '', scope };
  return qualifyForeign(namespace, prefix, local, scope, mayBeDefault);
}

function qualifyForeign(
  namespace: string,
  prefix: string,
  local: string,
  scope: Scope,
  mayBeDefault: boolean,
): Qualified {
  const kept = mayBeDefault ? mayNameElement(namespace, prefix) : mayNameAttribute(namespace, prefix, scope);
  const chosen = kept ? prefix : inventPrefix(namespace, scope);
  const name = chosen === '' ? local : `${chosen}:${local}`;
  if ((scope.get(chosen) ?? '') === namespace) return { name, declared: '', scope };
  return { name, declared: declaration(chosen, namespace), scope: new Map(scope).set(chosen, namespace) };
}

/** No namespace has no prefix. */
function mayNameElement(namespace: string, prefix: string): boolean {
  return prefix === '' || (isFree(prefix) && namespace !== '');
}

/** An attribute in a namespace has a prefix, and does not bind one anew that its element may be named by. */
function mayNameAttribute(namespace: string, prefix: string, scope: Scope): boolean {
  return isFree(prefix) && (scope.get(prefix) ?? namespace) === namespace;
}

function inventPrefix(namespace: string, scope: Scope): string {
  if (namespace === '') return '';
  for (let number = 1; ; number++) {
    const bound = scope.get(`ns${number}`);
    if (bound === undefined || bound === namespace) return `ns${number}`;
  }
}

function declaration(prefix: string, namespace: string): string {
  return ` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeAttribute(namespace)}"`;
}

const TEXT_SPECIAL = /[&<>\r]/g;
const ATTRIBUTE_SPECIAL = /[&<>"\t\n\r]/g;
// XML 1.0, 2.2: characters that no reference can bring in either.
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;
/** Nothing to escape and nothing that cannot be written: the usual case. */
const PLAIN = /^[ !#-%'-;=?-~]*$/;

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

function escapeText(text: string): string {
  return PLAIN.test(text) ? text : checked(text).replace(TEXT_SPECIAL, refer);
}

function escapeAttribute(value: string): string {
  return PLAIN.test(value) ? value : checked(value).replace(ATTRIBUTE_SPECIAL, refer);
}

function refer(character: string): string {
  return REFERENCES[character] as string;
}

function checked(text: string): string {
  if (UNWRITABLE.test(text)) throw new CpixError('UNWRITABLE_TEXT', 'a text has a character that XML cannot carry');
  return text;
}
