import { isKeyId, type KeyId } from '@latchkey/cenc';
import { contentId as contentIdSchema, tenantId as tenantIdSchema } from '@latchkey/messages';
import { HttpProblem } from '@latchkey/http';

export interface ContentName {
  readonly tenant: string;
  readonly contentId: string;
}

export interface KeyName extends ContentName {
  readonly keyId: KeyId;
}

/**
 * `/keys/{tenant}/{contentId}/{kid}`. It is taken apart here, from the URL as it came, because a router decodes before
 * it splits: a content ID may hold slashes and dots (percent-encoded), and may be `..`. Throws HttpProblem 400 or 404.
 */
export function parseKeyPath(url: string): KeyName {
  const [tenant, contentId, kid, ...more] = segments(url);
  if (tenant === undefined || contentId === undefined || kid === undefined || more.length > 0) throw noSuchPath();
  return { ...contentName(tenant, contentId), keyId: parseKid(decode(kid)) };
}

/** `/clearkey/{tenant}/{contentId}`. Throws HttpProblem 400 or 404. */
export function parseContentPath(url: string): ContentName {
  const [tenant, contentId, ...more] = segments(url);
  if (tenant === undefined || contentId === undefined || more.length > 0) throw noSuchPath();
  return contentName(tenant, contentId);
}

/** The tenant that a path speaks of, however wrong the rest of it is: its CORS rules hold for the refusal too. */
export function tenantOfPath(url: string): string | undefined {
  const start = url.indexOf('/', 1) + 1;
  const end = url.indexOf('/', start);
  return start > 0 && end > 0 ? url.slice(start, end) : undefined;
}

/** What follows `/keys/` or `/clearkey/`, still percent-encoded. */
function segments(url: string): string[] {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  return path.split('/').slice(2);
}

function contentName(tenant: string, encodedContentId: string): ContentName {
  const contentId = decode(encodedContentId);
  if (!isTenantId(tenant))
    throw new HttpProblem(400, 'invalid-tenant', 'The tenant in the path is not 1 to 64 of a-z 0-9 _ -');
  if (!isContentId(contentId)) {
    throw new HttpProblem(400, 'invalid-content-id', 'The content ID in the path is not 1 to 1,024 bytes of UTF-8');
  }
  return { tenant, contentId };
}

function isTenantId(text: string): boolean {
  return tenantIdSchema.safeParse(text).success;
}

function isContentId(text: string): boolean {
  return contentIdSchema.safeParse(text).success;
}

const HEX_KID = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/;

/** As UUID text, or as the 32 hex digits of HLS's KEYID; in either case. */
function parseKid(text: string): KeyId {
  const kid = text.toLowerCase().replace(HEX_KID, '$1-$2-$3-$4-$5');
  if (!isKeyId(kid))
    throw new HttpProblem(400, 'invalid-key-id', 'The key ID in the path is neither a UUID nor 32 hex digits');
  return kid;
}

function decode(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new HttpProblem(400, 'invalid-path', 'The path is not percent-encoded UTF-8', { cause });
  }
}

function noSuchPath(): HttpProblem {
  return new HttpProblem(404, 'not-found', 'There is nothing at this path');
}
