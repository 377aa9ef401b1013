import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import type { OidcRules } from './access-file';
import type { Principal, Role } from './principal';

/** Asymmetric ones only: nobody who can check a token can make one. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];
const TIMEOUT_MS = 3_000;

/** The issuer cannot be asked: no answer about the token, neither good nor bad. */
export class IssuerUnavailable extends Error {
  override readonly name = 'IssuerUnavailable';
}

/** Checks bearer tokens of one issuer by its published keys. */
export class OidcVerifier {
  private keys: Promise<JWTVerifyGetKey> | undefined;

  constructor(private readonly rules: OidcRules) {}

  /** Undefined for a token that is no good. Throws IssuerUnavailable. */
  async principal(token: string): Promise<Principal | undefined> {
    const claims = await this.claims(token);
    return claims && principalOf(claims, this.rules);
  }

  private async claims(token: string): Promise<JWTPayload | undefined> {
    const { issuer, audience } = this.rules;
    try {
      const { payload } = await jwtVerify(token, await this.issuerKeys(), {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        requiredClaims: ['exp', 'sub'],
        clockTolerance: 30,
      });
      return payload;
    } catch (error) {
      if (error instanceof IssuerUnavailable || isUnanswered(error)) throw new IssuerUnavailable('', { cause: error });
      return undefined;
    }
  }

  /** Found out once; a failed attempt is tried anew. */
  private issuerKeys(): Promise<JWTVerifyGetKey> {
    this.keys ??= this.discover().catch((error) => {
      this.keys = undefined;
      throw error;
    });
    return this.keys;
  }

  private async discover(): Promise<JWTVerifyGetKey> {
    const url = this.rules.jwksUrl ?? (await discoverJwksUrl(this.rules.issuer));
    return createRemoteJWKSet(new URL(url), { timeoutDuration: TIMEOUT_MS });
  }
}

const discoveryDocument = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** OpenID Connect Discovery 1.0, section 4. */
async function discoverJwksUrl(issuer: string): Promise<string> {
  try {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
    const document = discoveryDocument.parse(await answer.json());
    if (document.issuer !== issuer) throw new Error('the discovery document is of another issuer');
    return document.jwks_uri;
  } catch (cause) {
    throw new IssuerUnavailable('', { cause });
  }
}

function isUnanswered(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout) return true;
  // What is wrong with a token or a key set is a JOSEError; the rest comes from the network.
  return !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC';
}

function principalOf(claims: JWTPayload, rules: OidcRules): Principal | undefined {
  const groups = textsAt(claims, rules.rolesClaim);
  const roles = new Set(
    groups.flatMap((group): Role[] => (Object.hasOwn(rules.roles, group) ? [rules.roles[group] as Role] : [])),
  );
  if (roles.size === 0 || claims.sub === undefined) return undefined;
  const tenants = rules.tenantsClaim === undefined ? 'all' : new Set(textsAt(claims, rules.tenantsClaim));
  return { id: `oidc:${claims.sub}`.slice(0, 256), roles, tenants };
}

/** `realm_access.roles` → the texts there; one text counts as a list of one. */
function textsAt(claims: JWTPayload, path: string): string[] {
  const value = Object.hasOwn(claims, path)
    ? claims[path]
    : path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], claims);
  return [value].flat().filter((text): text is string => typeof text === 'string');
}
