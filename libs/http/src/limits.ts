/** What one connection and one request may cost, whatever the app. In bytes and milliseconds. */
export const HTTP_LIMITS = {
  /** Request line and headers together: Node's own limit. */
  headerBytes: 16 * 1024,
  /** From the first byte of a connection or request to the end of its headers. */
  headersTimeoutMs: 8_000,
  /** From there to the end of its body. */
  requestTimeoutMs: 12_000,
  /** How often slow requests are looked for. */
  checkEveryMs: 2_000,
  /** A socket on which nothing moves while a request is under way, e.g. because the answer is not read. */
  stalledSocketMs: 15_000,
  /** An idle connection between two requests: longer than the 60 s of AWS load balancers, so that they close first. */
  keepAliveMs: 65_000,
  /** One path parameter, percent-encoded: a content ID is up to 1,024 bytes. */
  pathParameter: 3 * 1024,
  /** Requests on one connection; then it is closed, so that load balancers spread anew. */
  requestsPerSocket: 100_000,
  /** Requests at work in one process; more are answered 503. */
  inFlight: 512,
  /** How often certificates are looked at for renewal. */
  tlsPollMs: 5_000,
  /** How long close() waits for requests at work. */
  closeMs: 7_000,
} as const;

export type HttpLimits = { readonly [Name in keyof typeof HTTP_LIMITS]: number };
