import { createHmac, type KeyObject } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { wrongSignature } from './authentication-failure';
import { canonicalRequest, sha256Hex } from './canonical-request';
import type { CredentialIndex, Owned } from './credential-index';
import { authorizationOf, type Method, type Proven } from './method';
import { sameText } from './same-text';
import { unwrapSecret } from './wrapped-secret';

const SCHEME = 'AWS4-HMAC-SHA256';
/** As AWS's own APIs: how far the signature's date may be from ours, either way. */
export const MAX_SKEW_MS = 5 * 60_000;
const KNOWN_SIGNATURES = 200_000;

interface Shown {
  readonly accessKeyId: string;
  /** `yyyymmdd/region/service/aws4_request`. */
  readonly scope: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `yyyymmddThhmmssZ`. */
  readonly date: string;
}

/**
 * AWS Signature Version 4 under access keys that we issued. The whole request is signed: method, path, query, the headers
 * that the signature names and the body; a signature serves once.
 */
export function sigv4Method(credentialsKey: KeyObject | undefined, now: () => number = Date.now): Method {
  const verifier = new SignatureVerifier(credentialsKey, now);
  return {
    carries: (request) => authorizationOf(request)?.scheme === SCHEME.toLowerCase(),
    claims: (request) => `sigv4 ${/Credential=(\w{1,128})\//.exec(authorizationOf(request)?.rest ?? '')?.[1] ?? ''}`,
    verify: (request, credentials) => verifier.verify(request, credentials),
    challenges: (_, { accessKeys }) => (accessKeys.size > 0 ? [SCHEME] : []),
  };
}

class SignatureVerifier {
  /** Until no clock would take them any more. */
  readonly #spent = new LRUCache<string, true>({ max: KNOWN_SIGNATURES, ttl: 2 * MAX_SKEW_MS });

  constructor(
    private readonly credentialsKey: KeyObject | undefined,
    private readonly now: () => number,
  ) {}

  /** The signature covers the body's hash: if a header states it, it is checked now and the body against it later. */
  verify(request: FastifyRequest, { accessKeys }: CredentialIndex): Proven {
    const shown = readShown(request);
    if (!shown) throw wrongSignature('sigv4', undefined, 'not a SigV4 Authorization header with its date');
    const owned = accessKeys.get(shown.accessKeyId);
    const fail = (reason: string) => wrongSignature(`sigv4 ${shown.accessKeyId}`, owned?.tenant.id, reason);
    if (!owned) throw fail('an unknown access key');
    const unfit = unfitReason(shown, request, this.now());
    if (unfit) throw fail(unfit);
    const stated = request.headers['x-amz-content-sha256'];
    if (typeof stated === 'string') this.#check(request, shown, owned, stated, fail);
    return {
      owned,
      confirm: (body) => {
        const payloadHash = sha256Hex(body);
        if (typeof stated !== 'string') this.#check(request, shown, owned, payloadHash, fail);
        else if (stated.toLowerCase() !== payloadHash) throw fail('another body');
        this.#spend(shown, fail);
      },
    };
  }

  #check(request: FastifyRequest, shown: Shown, owned: Owned<'sigv4'>, payloadHash: string, fail: Failing): void {
    const canonical = canonicalOf(request, shown, payloadHash);
    if (canonical === undefined) throw fail('a target that is not percent-encoded UTF-8');
    const secret = this.#secretOf(owned);
    if (!sameText(shown.signature, signatureOf(secret, shown, canonical))) throw fail('another signature');
  }

  #secretOf({ credential }: Owned<'sigv4'>): string {
    if (!this.credentialsKey) throw new Error('a tenant has SigV4 credentials, and there is no CREDENTIALS_KEY_FILE');
    return unwrapSecret(this.credentialsKey, credential.accessKeyId, credential.secret);
  }

  #spend({ signature }: Shown, fail: Failing): void {
    if (this.#spent.has(signature)) throw fail('a signature used before');
    this.#spent.set(signature, true);
  }
}

type Failing = (reason: string) => Error;

function canonicalOf(request: FastifyRequest, { signedHeaders }: Shown, payloadHash: string): string | undefined {
  const { method, headers } = request;
  try {
    return canonicalRequest({ method, target: request.raw.url ?? '/', headers, signedHeaders, payloadHash });
  } catch {
    return undefined;
  }
}

/** AWS Signature Version 4, steps 2 to 4. */
function signatureOf(secret: string, { date, scope }: Shown, canonical: string): string {
  const toSign = [SCHEME, date, scope, sha256Hex(canonical)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${secret}`);
  return hmac(key, toSign).toString('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** What makes a signature unfit whatever the secret. */
function unfitReason({ date, scope, signedHeaders }: Shown, request: FastifyRequest, now: number): string | undefined {
  const [day, , , end] = scope.split('/');
  if (end !== 'aws4_request' || day !== date.slice(0, 8)) return 'a scope of another form or day';
  if (Math.abs(timeOf(date) - now) > MAX_SKEW_MS) return 'a date too far from ours';
  if (!signedHeaders.includes('host') && !signedHeaders.includes(':authority')) return 'the host is not signed';
  const unsigned = Object.keys(request.headers).find((name) => mustBeSigned(name) && !signedHeaders.includes(name));
  return unsigned === undefined ? undefined : `${unsigned} is not signed`;
}

/** AWS's rule, and the header that decides how the body is read. */
function mustBeSigned(header: string): boolean {
  return header.startsWith('x-amz-') || header === 'x-speke-version';
}

/** NaN, which is within no skew, for what is no date. */
function timeOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function readShown(request: FastifyRequest): Shown | undefined {
  const rest = authorizationOf(request)?.rest ?? '';
  const parts =
    /^Credential=(\w{1,128})\/([\w/-]{1,256}),\s*SignedHeaders=([\w;-]{1,2048}),\s*Signature=([0-9a-f]{64})$/.exec(
      rest,
    );
  const date = request.headers['x-amz-date'];
  if (!parts || typeof date !== 'string' || Number.isNaN(timeOf(date))) return undefined;
  const [, accessKeyId = '', scope = '', signedHeaders = '', signature = ''] = parts;
  return { accessKeyId, scope, signedHeaders: signedHeaders.split(';'), signature, date };
}
