import { readEnvironment, type Environment } from '@latchkey/runtime';
import { z } from 'zod';

export interface Config {
  /** YAML or JSON; absent: one tenant, `default`. */
  readonly tenantsFile: string | undefined;
}

/** What it reads of the environment. */
export const variables = z.object({
  TENANTS_FILE: z
    .string()
    .optional()
    .describe('YAML or JSON file of tenants, read again when it changes; absent: one tenant, `default`'),
});

export function readConfig(environment: Environment): Config {
  return { tenantsFile: readEnvironment(variables, environment).TENANTS_FILE };
}
