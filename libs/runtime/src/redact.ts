/** What a log line says in the place of a secret. */
const REDACTED = '[redacted]';
const DEEPEST = 6;

/**
 * Names under which secrets travel, as the last word of a property's name: `token`, `playerToken`, `x-api-key`. Numbers and
 * booleans under them are counts and flags, and stay.
 */
const SECRET_NAME =
  /(^|[^a-z]|[a-z](?=[A-Z]))(authorization|cookie|token|password|passphrase|secret|credentials|seed|body|payload|document|plaintext|plainvalue|ciphervalue|box|cek|jwk|key|keybytes|databytes)s?$/i;
/** Ends in a secret's name and is none. */
const PLAIN_NAMES = new Set(['requestedKey', 'primaryKey', 'partitionKey', 'sortKey', 'publicKey']);
const known = new Map<string, boolean>();

/** The same facts without secrets: by name at any depth, bytes always. Errors keep what they say, but for what looks like a key. */
export function withoutSecrets(facts: object): Record<string, unknown> {
  return redactObject(facts, 1);
}

export interface DescribedError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: unknown;
  readonly cause?: DescribedError;
}

/** An error for the log, with its causes. Whatever else it carries (a request, a response) stays out. */
export function describeError(error: Error, depth = 1): DescribedError {
  const { code } = error as { code?: unknown };
  const simple = typeof code === 'string' || typeof code === 'number';
  return {
    type: error.name || error.constructor.name,
    message: maskKeys(error.message),
    ...(error.stack && { stack: maskKeys(error.stack) }),
    ...(simple && { code }),
    ...(error.cause instanceof Error && depth < DEEPEST && { cause: describeError(error.cause, depth + 1) }),
  };
}

function redact(name: string, value: unknown, depth: number): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) return value;
  if (isSecretName(name)) return Array.isArray(value) ? `[${value.length} redacted]` : REDACTED;
  return redactValue(value, depth);
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return looksLikeCredentials(value) ? REDACTED : value;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return describeError(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return '[bytes]';
  if (depth >= DEEPEST) return '[deeper]';
  if (Array.isArray(value)) return value.map((each) => redactValue(each, depth + 1));
  // What says itself how it is written (dates, content keys) is asked first.
  if ('toJSON' in value && typeof value.toJSON === 'function') return redactValue(value.toJSON() as unknown, depth + 1);
  if (value instanceof URL) return value.origin;
  return redactObject(value, depth + 1);
}

function redactObject(value: object, depth: number): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(value)) result[name] = redact(name, each, depth);
  return result;
}

function isSecretName(name: string): boolean {
  let secret = known.get(name);
  if (secret === undefined) {
    secret = SECRET_NAME.test(name) && !PLAIN_NAMES.has(name);
    if (known.size < 1_000) known.set(name, secret);
  }
  return secret;
}

/** A JWT, or the value of an Authorization header. */
function looksLikeCredentials(text: string): boolean {
  return text.startsWith('eyJ') || /^(Bearer|Basic|AWS4-HMAC-SHA256) /.test(text);
}

/** Keys in base64 with padding or in hex, JWTs, and the password of a URL: what an error's message may quote. */
function maskKeys(text: string): string {
  return text
    .replace(/[A-Za-z0-9+/_-]{21,}={1,2}|\b[0-9a-fA-F]{32,}\b|eyJ[\w-]+\.[\w.-]+/g, REDACTED)
    .replace(/:\/\/[^/\s@]+@/g, `://${REDACTED}@`);
}
