import type { Place } from './error';

export interface XmlAttribute {
  /** Empty for the attributes of CPIX itself, which are unqualified. */
  readonly namespace: string;
  readonly name: string;
  readonly value: string;
  readonly prefix?: string;
}

/** Elements and texts in document order; comments and processing instructions are gone. */
export type XmlNode = XmlElement | string;

export interface XmlElement {
  readonly namespace: string;
  /** Local name. */
  readonly name: string;
  /** As written; kept for namespaces that have no customary prefix. */
  readonly prefix: string;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlNode[];
  /** In an answer, all that the element has in it, where that is base64 as we made or checked it: nothing to escape. */
  readonly base64?: string | undefined;
  /** Prefixes that the start tag binds. */
  readonly declares?: Readonly<Record<string, string>> | undefined;
  readonly parent?: XmlElement | undefined;
  readonly line?: number;
  readonly column?: number;
}

/** The unqualified attribute of that name. */
export function attribute(element: XmlElement, name: string): string | undefined {
  for (const one of element.attributes) if (one.name === name && one.namespace === '') return one.value;
  return undefined;
}

export function childElements(element: XmlElement, namespace: string, name: string): XmlElement[] {
  return element.children.filter(
    (child): child is XmlElement => typeof child !== 'string' && child.name === name && child.namespace === namespace,
  );
}

/** All text directly in it, white space at its ends removed. */
export function textOf(element: XmlElement): string {
  const { children } = element;
  if (children.length === 0) return '';
  return children
    .filter((child) => typeof child === 'string')
    .join('')
    .trim();
}

/** `/CPIX/DRMSystemList/DRMSystem[2]`: a number only where there are several of that name. */
export function placeOf(element: XmlElement, attributeName?: string): Place {
  const steps: string[] = [];
  for (let at: XmlElement | undefined = element; at; at = at.parent) steps.unshift(stepTo(at));
  const path = `/${steps.join('/')}${attributeName === undefined ? '' : `/@${attributeName}`}`;
  return { path, line: element.line ?? 0, column: element.column ?? 0 };
}

function stepTo(element: XmlElement): string {
  const alike = element.parent ? childElements(element.parent, element.namespace, element.name) : [];
  return alike.length > 1 ? `${element.name}[${alike.indexOf(element) + 1}]` : element.name;
}
