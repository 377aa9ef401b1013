import type { TenantDelivery } from '@latchkey/tenants';

type Headers = Readonly<Record<string, string>>;

/** The CORS protocol (Fetch standard, 3.2) for one tenant's players. */
export interface CorsRules {
  /** On every answer, hit or miss, whether or not the request has an Origin: what a CDN keeps serves the next origin too. */
  answer(origin: string | undefined): Headers;
  /** On the answer to a preflight, besides. */
  preflight(origin: string | undefined, methods: string): Headers;
}

const EXPOSED = 'etag, retry-after, www-authenticate, x-request-id';
const ALLOWED = 'authorization, content-type, if-none-match, range';
/** The answer differs by origin; a cache must keep one for each (Fetch standard, "CORS protocol and HTTP caches"). */
const FOREIGN: Headers = { vary: 'Origin' };

export function corsRules({ origins, maxAgeSeconds }: TenantDelivery['cors']): CorsRules {
  const answers = new Map(origins.map((origin) => [origin, exactly(origin)]));
  const fallback = origins.includes('*') ? ANY : FOREIGN;
  const answer = (origin: string | undefined) => (origin === undefined ? fallback : (answers.get(origin) ?? fallback));
  return {
    answer,
    preflight: (origin, methods) =>
      answer(origin) === FOREIGN
        ? {}
        : {
            'access-control-allow-methods': methods,
            'access-control-allow-headers': ALLOWED,
            'access-control-max-age': String(maxAgeSeconds),
          },
  };
}

/** For a tenant that does not exist. */
export const CLOSED: CorsRules = { answer: () => FOREIGN, preflight: () => ({}) };

const ANY: Headers = { 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED };

function exactly(origin: string): Headers {
  if (origin === '*') return ANY;
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': EXPOSED,
    vary: 'Origin',
  };
}
