import { createHash, timingSafeEqual } from 'node:crypto';
import type { AccessRules } from './access-file';
import { OidcVerifier } from './oidc';
import type { Principal } from './principal';

/** How one may sign in, for the console's own page. */
export interface SignIn {
  /** Nobody need sign in: whoever reaches it may look. */
  readonly open: boolean;
  readonly tokens: boolean;
  readonly oidc?: { readonly issuer: string; readonly clientId: string; readonly scope: string };
}

/** Whoever reaches an open console: may look, and nothing else. */
const LOOKER: Principal = { id: 'anonymous', roles: new Set(['viewer']), tenants: 'all' };

/** Tells who holds a bearer token. There are no cookies, so that no other site can make a browser ask in its user's name. */
export class ConsoleAccess {
  private readonly open: boolean;
  private rules: AccessRules | undefined;
  private oidc: OidcVerifier | undefined;

  /** `open`: everybody is a looker. `closed`: nobody gets in. */
  constructor(
    rules: AccessRules | 'open' | 'closed',
    private readonly now: () => number = Date.now,
  ) {
    this.open = rules === 'open';
    if (typeof rules === 'object') this.replace(rules);
  }

  replace(rules: AccessRules): void {
    this.rules = rules;
    this.oidc = rules.oidc ? new OidcVerifier(rules.oidc) : undefined;
  }

  get signIn(): SignIn {
    if (!this.rules) return { open: this.open, tokens: false };
    const { tokens, oidc } = this.rules;
    const issuer = oidc?.clientId ? { oidc: { issuer: oidc.issuer, clientId: oidc.clientId, scope: oidc.scope } } : {};
    return { open: false, tokens: tokens.length > 0, ...issuer };
  }

  /** By the access file alone. Undefined: not one of its tokens, or none was sent. */
  known(authorization: string | undefined): Principal | undefined {
    if (this.open) return LOOKER;
    const token = bearerToken(authorization);
    return token === undefined || !this.rules ? undefined : this.byToken(token, this.rules);
  }

  /** By the OIDC issuer. Throws IssuerUnavailable. */
  async byIssuer(authorization: string): Promise<Principal | undefined> {
    const token = bearerToken(authorization);
    return token === undefined ? undefined : this.oidc?.principal(token);
  }

  private byToken(token: string, { tokens }: AccessRules): Principal | undefined {
    const digest = createHash('sha256').update(token).digest();
    // All are compared, so that the time says nothing of which.
    const fitting = tokens.filter(({ sha256 }) => timingSafeEqual(Buffer.from(sha256, 'hex'), digest));
    const found = fitting.find(({ expires }) => expires === undefined || Date.parse(expires) > this.now());
    return (
      found && {
        id: found.id,
        roles: new Set(found.roles),
        tenants: found.tenants ? new Set(found.tenants) : 'all',
      }
    );
  }
}

/** RFC 6750, 2.1. */
function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer ([\w.~+/=-]{1,8192})$/i.exec(authorization ?? '')?.[1];
}
