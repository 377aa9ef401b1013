import { EnvironmentError } from '@latchkey/runtime';
import { DEFAULT_TENANT, type TenantDirectory } from '@latchkey/tenants';
import type { Config } from '../config';

export interface Openness {
  /** Those who show no credential get into the tenant `default`, as long as it has no credentials. */
  readonly openToAll: boolean;
  /** As tenants are now, in sentences. */
  warnings(): string[];
}

/**
 * Open on loopback, or where a flag says so. Throws EnvironmentError rather than listen beyond for whoever comes; a row of a table,
 * which may be there tomorrow or not, keeps nobody from starting: there its tenant lets nobody in.
 */
export function openness(
  { host, allowUnauthenticated }: Pick<Config, 'host' | 'allowUnauthenticated'>,
  tenants: Pick<TenantDirectory, 'get' | 'source'>,
): Openness {
  const asksNothing = () => tenants.get(DEFAULT_TENANT)?.encryptors.length === 0;
  const openToAll = isLoopback(host) || allowUnauthenticated;
  if (asksNothing() && !openToAll && tenants.source !== 'table') {
    throw new EnvironmentError(
      `SPEKE_HOST: ${host} can be reached from outside, and the tenant ${DEFAULT_TENANT} asks for no credential.\n` +
        'Give it encryptors in TENANTS_FILE, or set SPEKE_ALLOW_UNAUTHENTICATED=true.',
    );
  }
  return {
    openToAll,
    warnings: () => (asksNothing() ? [openToAll ? OPEN : SHUT] : []),
  };
}

const OPEN = `the tenant ${DEFAULT_TENANT} is open: whoever reaches the SPEKE port gets content keys`;
const SHUT = `the tenant ${DEFAULT_TENANT} asks for no credential: nobody is let in to it`;

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
