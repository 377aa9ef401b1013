/**
 * On every answer of an API that no page is made from: nothing may be sniffed, framed, run or kept. A page's own policy
 * (the ops console's) replaces them by @fastify/helmet.
 */
export const API_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
};

/** Only where the answer came over TLS of our own. */
export const TLS_HEADERS: Readonly<Record<string, string>> = {
  'strict-transport-security': 'max-age=31536000',
};
