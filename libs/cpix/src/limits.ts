/** What the reader takes. Past any of these a document is refused, whatever is in it. */
export interface DocumentLimits {
  readonly bytes: number;
  /** Elements in elements. */
  readonly depth: number;
  readonly elements: number;
  /** On one element, namespace declarations included. */
  readonly attributes: number;
  /** UTF-16 code units of one text or of one attribute's value. */
  readonly textLength: number;
}

/** Room for 64 keys in eight systems and 32 recipients with 4096-bit certificates. */
export const DEFAULT_LIMITS: DocumentLimits = {
  bytes: 512 * 1024,
  depth: 32,
  elements: 8_192,
  attributes: 64,
  textLength: 32 * 1024,
};
