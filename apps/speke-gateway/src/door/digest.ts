import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { REALM } from '@latchkey/tenants';
import { AuthenticationFailure, wrongCredentials } from './authentication-failure';
import type { CredentialIndex, Owned } from './credential-index';
import type { DigestNonces } from './digest-nonces';
import { authorizationOf, type Method, type Proven } from './method';
import { sameText } from './same-text';

/** RFC 7616, 6.1. MD5 is there for old encoders: offered only if some credential has an HA1 for it. */
const ALGORITHMS = {
  'SHA-256': { hash: 'sha256', ha1: 'sha256' },
  MD5: { hash: 'md5', ha1: 'md5' },
} as const;
type Algorithm = keyof typeof ALGORITHMS;

/** HTTP Digest (RFC 7616) with qop=auth, our own nonces, and nonce counts that are taken once. */
export function digestMethod(nonces: DigestNonces): Method {
  return {
    carries: (request) => authorizationOf(request)?.scheme === 'digest',
    claims: (request) => `digest ${parametersOf(request).get('username')?.slice(0, 128) ?? ''}`,
    verify: (request, credentials) => verify(request, credentials, nonces),
    challenges: (_, credentials) => challenges(credentials, nonces),
  };
}

/** HA1 of RFC 7616, 3.4.2: what is stored in place of the password. */
export function digestHa1(algorithm: Algorithm, username: string, password: string): string {
  return hashOf(algorithm, `${username}:${REALM}:${password}`);
}

function challenges({ digestUsers }: CredentialIndex, nonces: DigestNonces, stale = false): string[] {
  const offered = (Object.keys(ALGORITHMS) as Algorithm[]).filter((algorithm) =>
    [...digestUsers.values()].some(({ credential }) => credential.ha1[ALGORITHMS[algorithm].ha1]),
  );
  const nonce = nonces.issue();
  return offered.map(
    (algorithm) =>
      `Digest realm="${REALM}", qop="auth", algorithm=${algorithm}, nonce="${nonce}", charset=UTF-8` +
      (stale ? ', stale=true' : ''),
  );
}

interface DigestResponse {
  readonly username: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly algorithm: Algorithm;
  readonly cnonce: string;
  /** As written, 8 hex digits: it is hashed. */
  readonly nc: string;
}

function verify(request: FastifyRequest, credentials: CredentialIndex, nonces: DigestNonces): Proven {
  const shown = readResponse(request);
  if (!shown) throw wrongCredentials('digest', undefined, 'not a response with qop=auth to our challenge');
  const claimed = `digest ${shown.username}`;
  const owned = credentials.digestUsers.get(shown.username);
  const fail = (reason: string) => wrongCredentials(claimed, owned?.tenant.id, reason);
  if (shown.uri !== request.raw.url) throw fail('another uri');
  const judgement = nonces.judge(shown.nonce);
  if (judgement === 'forged') throw fail('a nonce that is not ours');
  if (!sameText(shown.response.toLowerCase(), expectedResponse(shown, request.method, owned)) || !owned) {
    throw fail('another response');
  }
  if (judgement === 'stale') throw stale(claimed, owned.tenant.id, challenges(credentials, nonces, true));
  if (!nonces.spend(shown.nonce, Number.parseInt(shown.nc, 16))) throw fail('a nonce count used before');
  return { owned };
}

/** The password is right, the nonce too old: the client answers a new one without asking its user. */
function stale(claimed: string, tenant: string, wwwAuthenticate: string[]): AuthenticationFailure {
  return new AuthenticationFailure(401, 'stale-nonce', 'The nonce is too old: answer the new one', {
    claimed,
    tenant,
    guess: false,
    headers: { 'www-authenticate': wwwAuthenticate },
  });
}

/** For an unknown user the same work is done, on an HA1 that no response can fit. */
function expectedResponse(shown: DigestResponse, method: string, owned: Owned<'digest'> | undefined): string {
  const { algorithm, nonce, nc, cnonce, uri } = shown;
  const ha1 = owned?.credential.ha1[ALGORITHMS[algorithm].ha1];
  const ha2 = hashOf(algorithm, `${method}:${uri}`);
  const response = hashOf(algorithm, `${ha1 ?? 'nobody'}:${nonce}:${nc}:${cnonce}:auth:${ha2}`);
  return ha1 === undefined ? '' : response;
}

function readResponse(request: FastifyRequest): DigestResponse | undefined {
  const parameters = parametersOf(request);
  const algorithm = (parameters.get('algorithm') ?? 'MD5').toUpperCase();
  const nc = parameters.get('nc') ?? '';
  const fits =
    Object.hasOwn(ALGORITHMS, algorithm) &&
    parameters.get('qop') === 'auth' &&
    parameters.get('realm') === REALM &&
    /^[0-9a-fA-F]{8}$/.test(nc);
  if (!fits) return undefined;
  const text = (name: string) => parameters.get(name) ?? '';
  return {
    username: text('username'),
    nonce: text('nonce'),
    uri: text('uri'),
    response: text('response'),
    cnonce: text('cnonce'),
    algorithm: algorithm as Algorithm,
    nc,
  };
}

/** `name=token` and `name="quoted"`, as RFC 9110, 11.2. A name that comes twice makes the whole unusable. */
function parametersOf(request: FastifyRequest): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  const parameter = /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,\s*|$)/gy;
  const text = authorizationOf(request)?.rest ?? '';
  for (const [, name = '', quoted, token] of text.matchAll(parameter)) {
    const key = name.toLowerCase();
    if (parameters.has(key)) return new Map();
    parameters.set(key, quoted?.replace(/\\(.)/g, '$1') ?? token ?? '');
  }
  return parameters;
}

function hashOf(algorithm: Algorithm, text: string): string {
  return createHash(ALGORITHMS[algorithm].hash).update(text).digest('hex');
}
