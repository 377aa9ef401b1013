/**
 * Bodies that may be CPIX. A missing Content-Type passes: AWS's own SPEKE 1 pages for VOD list no request headers. What
 * says that it is something else (JSON, a form, bytes) is a mistake and told so.
 */
export function isXml(mediaType: string | undefined): boolean {
  return mediaType === undefined || XML.has(mediaType) || mediaType.endsWith('+xml');
}

const XML = new Set(['application/xml', 'text/xml']);
