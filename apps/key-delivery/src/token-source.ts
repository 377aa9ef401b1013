import { Denial } from './denial';
import type { PlayerRequest } from './entitlement';

export interface TokenPlaces {
  readonly from: readonly ('authorization' | 'query' | 'cookie')[];
  readonly queryParameter: string;
  readonly cookie: string;
}

/** The first token found, or undefined. Throws Denial token-malformed if a place holds two. */
export function findToken(request: PlayerRequest, places: TokenPlaces): string | undefined {
  for (const place of places.from) {
    const token = LOOK[place](request, places);
    if (token) return token;
  }
  return undefined;
}

const LOOK = {
  authorization: ({ headers }: PlayerRequest) => bearerToken(headers.authorization),
  query: ({ query }: PlayerRequest, { queryParameter }: TokenPlaces) => only(query[queryParameter]),
  cookie: ({ headers }: PlayerRequest, { cookie }: TokenPlaces) => only(cookieValues(headers.cookie, cookie)),
};

/** RFC 6750, 2.1. */
function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined;
  return authorization.slice(7).trim();
}

/** RFC 6265, 4.2: all values of that name, unquoted. */
export function cookieValues(header: string | undefined, name: string): string[] {
  if (header === undefined) return [];
  const start = `${name}=`;
  return header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(start))
    .map((pair) => pair.slice(start.length).replace(/^"(.*)"$/, '$1'));
}

function only(value: string | readonly string[] | undefined): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  // Two proxies could each believe another one of them.
  if (value.length > 1) throw new Denial('token-malformed');
  return value[0];
}
