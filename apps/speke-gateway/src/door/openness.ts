import { EnvironmentError } from '@latchkey/runtime';
import { DEFAULT_TENANT, type TenantDirectory } from '@latchkey/tenants';
import type { Config } from '../config';

export interface Openness {
  /** Those who show no credential get into the tenant `default`, as long as it has no credentials. */
  readonly openToAll: boolean;
  readonly warnings: readonly string[];
}

/** Open on loopback, or where a flag says so. Throws EnvironmentError rather than listen beyond for whoever comes. */
export function openness(
  { host, allowUnauthenticated }: Pick<Config, 'host' | 'allowUnauthenticated'>,
  tenants: Pick<TenantDirectory, 'get'>,
): Openness {
  const asksNothing = tenants.get(DEFAULT_TENANT)?.encryptors.length === 0;
  if (asksNothing && !isLoopback(host) && !allowUnauthenticated) {
    throw new EnvironmentError(
      `SPEKE_HOST: ${host} can be reached from outside, and the tenant ${DEFAULT_TENANT} asks for no credential.\n` +
        'Give it encryptors in TENANTS_FILE, or set SPEKE_ALLOW_UNAUTHENTICATED=true.',
    );
  }
  return {
    openToAll: isLoopback(host) || allowUnauthenticated,
    warnings: asksNothing
      ? [`the tenant ${DEFAULT_TENANT} is open: whoever reaches the SPEKE port gets content keys`]
      : [],
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
