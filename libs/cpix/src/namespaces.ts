/** The namespaces of a CPIX document, and the prefixes under which we write them. */
export const NAMESPACES = {
  cpix: 'urn:dashif:org:cpix',
  pskc: 'urn:ietf:params:xml:ns:keyprov:pskc',
  ds: 'http://www.w3.org/2000/09/xmldsig#',
  enc: 'http://www.w3.org/2001/04/xmlenc#',
  cenc: 'urn:mpeg:cenc:2013',
  /** SPEKE 1 only. */
  speke: 'urn:aws:amazon:com:speke',
} as const;

export type CustomaryPrefix = keyof typeof NAMESPACES;

export const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';
export const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/';

const PREFIXES: ReadonlyMap<string, CustomaryPrefix> = new Map(
  Object.entries(NAMESPACES).map(([prefix, namespace]) => [namespace, prefix as CustomaryPrefix]),
);

export function customaryPrefix(namespace: string): CustomaryPrefix | undefined {
  return PREFIXES.get(namespace);
}
