import { isKeyId, type KeyId } from '@latchkey/cenc';
import { HttpProblem } from '@latchkey/http';
import { LRUCache } from 'lru-cache';
import { keyName, type ContentName, type KeyName } from './key-name';

/** At the beginning of a period all players ask for the same few keys: their paths are taken apart once. */
export class KeyPaths {
  readonly #known = new LRUCache<string, KeyName>({ max: KNOWN_PATHS });

  parse(url: string): KeyName {
    const path = pathOf(url);
    const known = this.#known.get(path);
    if (known) return known;
    const name = parseKeyPath(path);
    this.#known.set(path, name);
    return name;
  }
}

const KNOWN_PATHS = 2_000;

/**
 * `/keys/{tenant}/{contentId}/{kid}`. It is taken apart here, from the URL as it came, because a router decodes before
 * it splits: a content ID may hold slashes and dots (percent-encoded), and may be `..`. Throws HttpProblem 400 or 404.
 */
export function parseKeyPath(url: string): KeyName {
  const [tenant, contentId, kid, ...more] = segments(url);
  if (tenant === undefined || contentId === undefined || kid === undefined || more.length > 0) throw noSuchPath();
  return keyName(contentName(tenant, contentId), parseKid(decode(kid)));
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
  return pathOf(url).split('/').slice(2);
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

function contentName(tenant: string, encodedContentId: string): ContentName {
  const contentId = decode(encodedContentId);
  if (!TENANT.test(tenant)) {
    throw new HttpProblem(400, 'invalid-tenant', 'The tenant in the path is not 1 to 64 of a-z 0-9 _ -');
  }
  if (!isContentId(contentId)) {
    throw new HttpProblem(400, 'invalid-content-id', 'The content ID in the path is not 1 to 1,024 bytes of UTF-8');
  }
  return { tenant, contentId };
}

function isContentId(text: string): boolean {
  return (
    text.length > 0 && (text.length <= MAX_CONTENT_ID_BYTES / 3 || Buffer.byteLength(text) <= MAX_CONTENT_ID_BYTES)
  );
}

// Both as libs/messages has them; a schema would cost more than all the rest of this file.
const TENANT = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const MAX_CONTENT_ID_BYTES = 1024;

const HEX_KID = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/;

/** As UUID text, or as the 32 hex digits of HLS's KEYID; in either case. */
function parseKid(text: string): KeyId {
  const kid = text.toLowerCase().replace(HEX_KID, '$1-$2-$3-$4-$5');
  if (!isKeyId(kid)) {
    throw new HttpProblem(400, 'invalid-key-id', 'The key ID in the path is neither a UUID nor 32 hex digits');
  }
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
