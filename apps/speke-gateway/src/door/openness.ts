import { EnvironmentError, type Logger } from '@latchkey/runtime';
import { DEFAULT_TENANT, type TenantDirectory } from '@latchkey/tenants';
import type { Config } from '../config';

/**
 * Whether those who show no credential get into the tenant `default`: on loopback, or where a flag says so. Throws
 * EnvironmentError rather than listen beyond loopback for whoever comes.
 */
export function openness(
  { host, allowUnauthenticated }: Pick<Config, 'host' | 'allowUnauthenticated'>,
  tenants: Pick<TenantDirectory, 'get'>,
  logger: Logger,
): boolean {
  const asksNothing = tenants.get(DEFAULT_TENANT)?.encryptors.length === 0;
  if (asksNothing && !isLoopback(host) && !allowUnauthenticated) {
    throw new EnvironmentError(
      `SPEKE_HOST: ${host} can be reached from outside, and the tenant ${DEFAULT_TENANT} asks for no credential.\n` +
        'Give it encryptors in TENANTS_FILE, or set SPEKE_ALLOW_UNAUTHENTICATED=true.',
    );
  }
  if (asksNothing) logger.warn(`the tenant ${DEFAULT_TENANT} is open: whoever reaches this port gets content keys`);
  return isLoopback(host) || allowUnauthenticated;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
