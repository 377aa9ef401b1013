import { EnvironmentError, readEnvironment, type Environment } from '@latchkey/runtime';
import { z } from 'zod';

/** Where an installation keeps its tenants. */
export type TenantSource =
  | { readonly kind: 'built-in' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'table'; readonly table: string; readonly pollMs: number };

/** What every service that knows tenants reads of the environment. */
export const tenantVariables = z.object({
  TENANTS_FILE: z
    .string()
    .optional()
    .describe(
      'YAML or JSON file of tenants, read again when it changes; absent, and no TENANTS_TABLE: one tenant, `default`',
    ),
  TENANTS_TABLE: z
    .string()
    .optional()
    .describe('DynamoDB table of tenants, one row each, in the place of TENANTS_FILE (docs/tenants.md)'),
  TENANTS_POLL_SECONDS: z.coerce
    .number()
    .min(1)
    .max(3_600)
    .default(10)
    .describe('how often to look whether TENANTS_TABLE has changed, give or take a fifth'),
});

/** Throws EnvironmentError. */
export function readTenantSource(environment: Environment): TenantSource {
  const { TENANTS_FILE, TENANTS_TABLE, TENANTS_POLL_SECONDS } = readEnvironment(tenantVariables, environment);
  if (TENANTS_FILE && TENANTS_TABLE) {
    throw new EnvironmentError(
      'The environment is not right:\n  TENANTS_FILE, TENANTS_TABLE: tenants are in a file or in a table; set one of them',
    );
  }
  if (TENANTS_TABLE) return { kind: 'table', table: TENANTS_TABLE, pollMs: TENANTS_POLL_SECONDS * 1_000 };
  return TENANTS_FILE ? { kind: 'file', path: TENANTS_FILE } : { kind: 'built-in' };
}
