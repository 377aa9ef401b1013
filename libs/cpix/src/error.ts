/** Where in a document: XPath-like, by local names, and the line and column of the start tag (both from 1). */
export interface Place {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

export type CpixErrorCode =
  | 'DOCUMENT_TOO_LARGE'
  | 'DOCUMENT_TOO_COMPLEX'
  | 'EMPTY_DOCUMENT'
  | 'NOT_WELL_FORMED'
  | 'UNSUPPORTED_ENCODING'
  | 'UNSUPPORTED_XML_VERSION'
  | 'DOCTYPE_NOT_ALLOWED'
  | 'CERTIFICATE_UNREADABLE'
  | 'CERTIFICATE_IS_REQUEST'
  | 'CERTIFICATE_NOT_RSA'
  | 'CERTIFICATE_WEAK'
  | 'CERTIFICATE_EXPIRED'
  | 'CERTIFICATE_NOT_YET_VALID'
  | 'UNWRITABLE_TEXT';

/** What is not CPIX, or cannot be written as it. `detail` never quotes a document's text content. */
export class CpixError extends Error {
  override readonly name = 'CpixError';

  constructor(
    readonly code: CpixErrorCode,
    detail: string,
    readonly place?: Place,
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }
}
