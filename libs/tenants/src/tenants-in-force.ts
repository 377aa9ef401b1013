import type { TenantDirectory } from './tenant-directory';

/**
 * What a service says of the tenants that it works by. Its own warnings go to the log too; what is wrong with the tenants themselves
 * is said there by whoever reads them.
 */
export function tenantsInForce(
  tenants: TenantDirectory,
  warnings: readonly string[],
  log: { warn(text: string): void },
) {
  for (const warning of warnings) log.warn(warning);
  return { tenants: tenants.list().length, digest: tenants.digest, warnings: [...warnings, ...tenants.faults] };
}
