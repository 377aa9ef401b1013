export const ROLES = ['viewer', 'operator', 'auditor'] as const;
export type Role = (typeof ROLES)[number];

/** Who asks the console, as it made sure of it. */
export interface Principal {
  /** The token's name in the access file, or the OIDC subject: what audit records of a revocation name. */
  readonly id: string;
  readonly roles: ReadonlySet<Role>;
  /** Tenants whose doings it may see. */
  readonly tenants: 'all' | ReadonlySet<string>;
}

/** Whoever may act or audit may look as well. */
export function hasRole(principal: Principal, role: Role): boolean {
  return principal.roles.has(role) || (role === 'viewer' && principal.roles.size > 0);
}

export function maySee(principal: Principal, tenant: string | undefined): boolean {
  return principal.tenants === 'all' || (tenant !== undefined && principal.tenants.has(tenant));
}
