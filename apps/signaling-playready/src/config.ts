import type { Environment } from '@latchkey/runtime';
import { readTenantSource, tenantVariables, type TenantSource } from '@latchkey/tenant-source';

export interface Config {
  readonly tenants: TenantSource;
}

/** What it reads of the environment. */
export const variables = tenantVariables;

export function readConfig(environment: Environment): Config {
  return { tenants: readTenantSource(environment) };
}
