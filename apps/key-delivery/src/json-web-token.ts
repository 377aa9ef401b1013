import { createPublicKey, createSecretKey, hash, type KeyObject } from 'node:crypto';
import { isIP, BlockList } from 'node:net';
import type { TenantEntitlement } from '@latchkey/tenants';
import {
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  type ProtectedHeaderParameters,
} from 'jose';
import { LRUCache } from 'lru-cache';
import type { KeyId } from '@latchkey/cenc';
import { HttpProblem, unavailable } from '@latchkey/http';
import { Denial, type DenialReason } from './denial';
import type { Entitlement, Grant, PlayerRequest } from './entitlement';
import { remoteKeys } from './remote-keys';
import { findToken } from './token-source';
import { fitsAny } from './wildcard';

export type TokenRules = Extract<TenantEntitlement, { mode: 'jwt' }>;

/** Verified tokens kept, and for how long: after that a key that its issuer withdrew no longer counts. */
const KEPT_TOKENS = 50_000;
const KEPT_MS = 5 * 60_000;
/** Node takes 16 KiB of headers; a longer token cannot have come in one. */
const MAX_TOKEN_LENGTH = 8_192;

/** What a token that verified says. */
interface VerifiedToken {
  readonly digest: string;
  readonly subject: string | undefined;
  readonly tenant: string | undefined;
  readonly contents: readonly string[];
  readonly kids: readonly string[] | undefined;
  readonly addresses: BlockList | undefined;
  readonly endsAt: number;
}

export interface TokenContext {
  readonly tenant: string;
  /** Another tenant accepts the same issuer and audience, so a token must say whose it is. */
  readonly tenantClaimWanted: boolean;
  readonly now: () => number;
}

/**
 * RFC 7519 tokens, judged as RFC 8725 says: the tenant's algorithms and keys only, whatever the token's header asks for;
 * issuer, audience and expiry always. A verified token is kept by its SHA-256, so that its holder's next request costs one hash.
 */
export class JsonWebTokens implements Entitlement {
  readonly #kept = new LRUCache<string, VerifiedToken>({ max: KEPT_TOKENS });
  readonly #keys: CandidateKeys;

  constructor(
    private readonly rules: TokenRules,
    private readonly context: TokenContext,
  ) {
    this.#keys = new CandidateKeys(rules);
  }

  judge(request: PlayerRequest): Grant | Promise<Grant> {
    const token = findToken(request, this.rules);
    if (token === undefined) throw new Denial('token-missing');
    if (token.length > MAX_TOKEN_LENGTH) throw new Denial('token-malformed');
    const digest = hash('sha256', token, 'base64');
    const kept = this.#kept.get(digest);
    if (kept !== undefined && this.context.now() < kept.endsAt) return this.#grant(kept, request);
    return this.#verify(token, digest).then((verified) => this.#grant(verified, request));
  }

  #grant(token: VerifiedToken, { content, address }: PlayerRequest): Grant {
    const refuse = (reason: DenialReason) => new Denial(reason, token.subject);
    if (token.tenant === undefined ? this.context.tenantClaimWanted : token.tenant !== this.context.tenant) {
      throw refuse('tenant-not-granted');
    }
    if (!fitsAny(token.contents, content.contentId)) throw refuse('content-not-granted');
    if (token.addresses && !token.addresses.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')) {
      throw refuse('address-not-granted');
    }
    const { kids } = token;
    return {
      names: kids === undefined ? () => true : (keyId: KeyId) => fitsAny(kids, keyId),
      subject: token.subject,
      credential: token.digest,
      endsAt: token.endsAt,
    };
  }

  async #verify(token: string, digest: string): Promise<VerifiedToken> {
    const payload = await this.#payload(token);
    const verified = this.#claims(payload, digest);
    this.#kept.set(digest, verified, { ttl: Math.max(1, Math.min(KEPT_MS, verified.endsAt - this.context.now())) });
    return verified;
  }

  async #payload(token: string): Promise<JWTPayload> {
    const candidates = this.#keys.for(headerOf(token));
    let failure: unknown;
    for (const key of candidates) {
      try {
        // A key's type and the algorithm must agree (jose), and the algorithm must be one of the tenant's: no key confusion.
        const { payload } = await jwtVerify(token, key, this.#options);
        return payload;
      } catch (error) {
        failure = error;
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) break;
      }
    }
    throw refusal(failure ?? new errors.JWKSNoMatchingKey());
  }

  get #options() {
    const { algorithms, issuer, audience, clockSkewSeconds, maxAgeSeconds, type } = this.rules;
    return {
      algorithms,
      issuer,
      audience,
      clockTolerance: clockSkewSeconds,
      currentDate: new Date(this.context.now()),
      requiredClaims: [
        'exp',
        'contentId',
        ...(this.rules.requireKids ? ['kids'] : []),
        ...(this.rules.bindAddress ? ['ip'] : []),
      ],
      ...(maxAgeSeconds === undefined ? {} : { maxTokenAge: maxAgeSeconds }),
      ...(type === undefined ? {} : { typ: type }),
    };
  }

  #claims(payload: JWTPayload, digest: string): VerifiedToken {
    const { clockSkewSeconds, maxAgeSeconds } = this.rules;
    const ends = [
      payload.exp as number,
      ...(maxAgeSeconds === undefined ? [] : [(payload.iat as number) + maxAgeSeconds]),
    ];
    return {
      digest,
      subject: optional(payload.sub, text)?.slice(0, 256),
      tenant: optional(payload['tenant'], text),
      contents: textOrList(payload['contentId']),
      kids: optional(payload['kids'], textOrList)?.map((kid) => kid.toLowerCase()),
      addresses: this.rules.bindAddress ? addressList(textOrList(payload['ip'])) : undefined,
      endsAt: (Math.min(...ends) + clockSkewSeconds) * 1_000,
    };
  }
}

/** The keys that may have signed a token, from the tenant's configuration alone (never `jku`, `jwk`, `x5u`, `x5c`). */
class CandidateKeys {
  readonly #byAlgorithm: ReadonlyMap<string, readonly { kid?: string | undefined; key: KeyObject }[]>;
  readonly #remote: JWTVerifyGetKey | undefined;

  constructor(private readonly rules: TokenRules) {
    const publicKeys = rules.publicKeys.map(({ kid, pem }) => ({ kid, key: createPublicKey(pem) }));
    this.#byAlgorithm = new Map([
      ['HS256', rules.secrets.map(({ kid, secret }) => ({ kid, key: createSecretKey(secret, 'base64url') }))],
      ['RS256', publicKeys.filter(({ key }) => key.asymmetricKeyType === 'rsa')],
      ['ES256', publicKeys.filter(({ key }) => key.asymmetricKeyType === 'ec')],
    ]);
    this.#remote = rules.jwksUrl === undefined ? undefined : remoteKeys(new URL(rules.jwksUrl));
  }

  for({ alg, kid }: ProtectedHeaderParameters): readonly JWTVerifyGetKey[] {
    if (!this.rules.algorithms.some((accepted) => accepted === alg)) throw new Denial('token-algorithm');
    const known = (this.#byAlgorithm.get(alg as string) ?? []).filter(
      (candidate) => kid === undefined || candidate.kid === undefined || candidate.kid === kid,
    );
    return [
      ...known.map(
        ({ key }) =>
          () =>
            key,
      ),
      ...(this.#remote && alg !== 'HS256' ? [this.#remote] : []),
    ];
  }
}

function headerOf(token: string): ProtectedHeaderParameters {
  try {
    return decodeProtectedHeader(token);
  } catch {
    throw new Denial('token-malformed');
  }
}

/** jose's errors in our words. What is not the token's fault (an issuer that cannot be reached) is a 503. */
function refusal(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof errors.JWTExpired) return new Denial(error.claim === 'iat' ? 'token-too-old' : 'token-expired');
  if (error instanceof errors.JWTClaimValidationFailed) return new Denial(claimRefusal(error));
  const reason = error instanceof errors.JOSEError ? REFUSALS[error.code] : undefined;
  return reason
    ? new Denial(reason)
    : unavailable(error, 'The keys of the token issuer cannot be had at the moment: try again');
}

const REFUSALS: Readonly<Record<string, DenialReason>> = {
  [errors.JOSEAlgNotAllowed.code]: 'token-algorithm',
  [errors.JOSENotSupported.code]: 'token-malformed',
  [errors.JWSInvalid.code]: 'token-malformed',
  [errors.JWTInvalid.code]: 'token-malformed',
  [errors.JWKSNoMatchingKey.code]: 'token-invalid',
  [errors.JWKSMultipleMatchingKeys.code]: 'token-invalid',
  [errors.JWSSignatureVerificationFailed.code]: 'token-invalid',
};

function claimRefusal({ claim, reason }: errors.JWTClaimValidationFailed): DenialReason {
  if (reason === 'missing' || reason === 'invalid') return claim === 'typ' ? 'token-type' : 'token-claims';
  return CLAIM_REFUSALS[claim] ?? 'token-claims';
}

const CLAIM_REFUSALS: Readonly<Record<string, DenialReason>> = {
  iss: 'token-issuer',
  aud: 'token-audience',
  nbf: 'token-not-yet-valid',
  iat: 'token-too-old',
  typ: 'token-type',
};

function optional<T>(claim: unknown, read: (claim: unknown) => T): T | undefined {
  return claim === undefined ? undefined : read(claim);
}

function text(claim: unknown): string {
  if (typeof claim !== 'string') throw new Denial('token-claims');
  return claim;
}

function textOrList(claim: unknown): string[] {
  return Array.isArray(claim) ? claim.map(text) : [text(claim)];
}

/** Addresses and subnets (`198.51.100.7`, `2001:db8::/56`). */
function addressList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    const family = isIP(address);
    const bits = prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix);
    if (family === 0 || !Number.isInteger(bits) || bits < 0 || bits > (family === 6 ? 128 : 32))
      throw new Denial('token-claims');
    list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
