import type { FastifyRequest } from 'fastify';

/** The conditions of a request (RFC 9110, 13.1): entity tags, or `*` for any. */
export interface Conditions {
  readonly ifMatch: readonly string[] | '*' | undefined;
  readonly ifNoneMatch: readonly string[] | '*' | undefined;
}

export function conditionsOf({ headers }: FastifyRequest): Conditions {
  return { ifMatch: tagsIn(headers['if-match']), ifNoneMatch: tagsIn(headers['if-none-match']) };
}

/** Whether what is there now (undefined: nothing) is what the request expects. */
export function conditionsHold({ ifMatch, ifNoneMatch }: Conditions, etag: string | undefined): boolean {
  if (ifMatch !== undefined && !matches(ifMatch, etag)) return false;
  return ifNoneMatch === undefined || !matches(ifNoneMatch, etag);
}

export function matches(tags: readonly string[] | '*', etag: string | undefined): boolean {
  return etag !== undefined && (tags === '*' || tags.includes(etag));
}

export function entityTag(etag: string): string {
  return `"${etag}"`;
}

/** Weak tags are compared like strong ones: a stored document is the same byte for byte, or another. */
function tagsIn(header: string | undefined): readonly string[] | '*' | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return '*';
  return [...header.matchAll(/(?:W\/)?"([^"]*)"/g)].map(([, tag = '']) => tag);
}
