import type { Tenant, TenantDelivery, TenantDirectory, TenantEntitlement } from '@latchkey/tenants';
import { corsRules, type CorsRules } from './cors';
import { closed, open, type Entitlement } from './entitlement';
import { JsonWebTokens } from './json-web-token';
import { RateLimit } from './rate-limit';
import { SignedCookies, SignedUrls } from './signed-grant';

/** What holds for one tenant's players, made ready for every request. */
export interface TenantRules {
  readonly entitlement: Entitlement;
  readonly cors: CorsRules;
  readonly limits: TenantDelivery['rateLimit'];
  /** Requests by token or signature. */
  readonly credentials: RateLimit;
  readonly audit: TenantDelivery['audit'];
  /** How long others may keep a key, in seconds; 0: not at all. */
  readonly cacheSeconds: number;
  /** Also those keys that were issued for DRM systems alone. */
  readonly deliverDrmOnlyKeys: boolean;
}

const WITHOUT_DRM =
  'delivery.deliverDrmOnlyKeys gives players, in the clear, keys that were issued for DRM systems alone: whoever has a token needs no DRM';
const SAY_HOW = 'delivery.entitlement in TENANTS_FILE says who may have keys';

/** The rules of every tenant, made anew for those whose configuration changes: verified tokens of others stay known. */
export class DeliveryRules {
  #rules = new Map<string, { made: string; rules: TenantRules }>();

  constructor(
    private readonly tenants: TenantDirectory,
    /** What holds for a tenant that says nothing: true: everybody gets its keys; false: nobody. */
    private readonly openUnlessSaid: boolean,
    private readonly now: () => number = Date.now,
  ) {
    this.#load();
    tenants.onChange(() => this.#load());
  }

  of(tenant: string): TenantRules | undefined {
    return this.#rules.get(tenant)?.rules;
  }

  /** What an operator should know, in sentences. */
  warnings(): string[] {
    return this.tenants.list().flatMap(({ id, delivery: { entitlement, deliverDrmOnlyKeys } }) => {
      if (deliverDrmOnlyKeys) return [`tenant ${id}: ${WITHOUT_DRM}`];
      if (entitlement === undefined && !this.openUnlessSaid) return [`tenant ${id}: nobody gets a key; ${SAY_HOW}`];
      if (entitlement !== undefined && entitlement.mode !== 'open') return [];
      return [`tenant ${id}: delivery is open; whoever knows a content ID and a key ID gets the key; ${SAY_HOW}`];
    });
  }

  #load(): void {
    const tenants = this.tenants.list();
    this.#rules = new Map(
      tenants.map((tenant) => {
        const tenantClaimWanted = tenants.some((other) => other !== tenant && acceptTheSameTokens(other, tenant));
        const made = JSON.stringify([tenant.delivery, tenantClaimWanted]);
        const known = this.#rules.get(tenant.id);
        const entry = known?.made === made ? known : { made, rules: this.#make(tenant, tenantClaimWanted) };
        return [tenant.id, entry];
      }),
    );
  }

  #make({ id, delivery }: Tenant, tenantClaimWanted: boolean): TenantRules {
    return {
      entitlement: this.#entitlement(id, delivery.entitlement, tenantClaimWanted),
      cors: corsRules(delivery.cors),
      limits: delivery.rateLimit,
      credentials: new RateLimit(this.now),
      audit: delivery.audit,
      deliverDrmOnlyKeys: delivery.deliverDrmOnlyKeys,
      cacheSeconds: CACHE_SECONDS[delivery.entitlement?.mode ?? 'open'](delivery.cacheSeconds),
    };
  }

  #entitlement(tenant: string, rules: TenantEntitlement | undefined, tenantClaimWanted: boolean): Entitlement {
    switch (rules?.mode) {
      case undefined:
        return this.openUnlessSaid ? open : closed;
      case 'open':
        return open;
      case 'jwt':
        return new JsonWebTokens(rules, { tenant, tenantClaimWanted, now: this.now });
      case 'signed-url':
        return new SignedUrls(rules, this.now);
      case 'signed-cookie':
        return new SignedCookies(rules, this.now);
    }
  }
}

/**
 * By entitlement: a key that a token or cookie opened must not come out of a cache for somebody without it; a signed URL
 * carries its entitlement with it, and a key never changes.
 */
const CACHE_SECONDS: Record<TenantEntitlement['mode'], (configured: number | undefined) => number> = {
  open: (configured) => configured ?? 0,
  jwt: () => 0,
  'signed-url': (configured) => configured ?? 3_600,
  'signed-cookie': () => 0,
};

/** Two tenants that trust one issuer for one audience: only a claim can keep them apart. */
function acceptTheSameTokens(one: Tenant, other: Tenant): boolean {
  const [a, b] = [one.delivery.entitlement, other.delivery.entitlement];
  return a?.mode === 'jwt' && b?.mode === 'jwt' && a.issuer === b.issuer && a.audience === b.audience;
}
