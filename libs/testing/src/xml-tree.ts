import { parseStringPromise } from 'xml2js';

/** An element as xml2js reads it, by namespace URI and local name. */
export interface TreeElement {
  readonly uri: string;
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly text: string;
  readonly children: readonly TreeElement[];
}

interface Xml2jsElement {
  readonly $ns: { readonly uri: string; readonly local: string };
  readonly $?: Readonly<Record<string, { readonly local: string; readonly value: string }>>;
  readonly _?: string;
  readonly $$?: readonly Xml2jsElement[];
}

/** Reads a document with xml2js: another reader than the one that wrote it. Throws on what is not XML. */
export async function readXmlTree(xml: string): Promise<TreeElement> {
  const options = {
    xmlns: true,
    explicitChildren: true,
    preserveChildrenOrder: true,
    explicitRoot: false,
    strict: true,
  };
  return tree((await parseStringPromise(xml, options)) as Xml2jsElement);
}

/** The descendants by that local name, in document order. */
export function elementsNamed(element: TreeElement, name: string): TreeElement[] {
  return element.children.flatMap((child) => [...(child.name === name ? [child] : []), ...elementsNamed(child, name)]);
}

function tree(element: Xml2jsElement): TreeElement {
  return {
    uri: element.$ns.uri,
    name: element.$ns.local,
    attributes: new Map(Object.values(element.$ ?? {}).map(({ local, value }) => [local, value])),
    text: (element._ ?? '').trim(),
    children: (element.$$ ?? []).filter((child) => child.$ns !== undefined).map(tree),
  };
}
