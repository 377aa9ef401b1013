import { readEnvironment, type Environment } from '@latchkey/runtime';
import { z } from 'zod';

export interface Config {
  /** YAML or JSON; absent: one tenant, `default`. */
  readonly tenantsFile: string | undefined;
}

const variables = z.object({ TENANTS_FILE: z.string().optional() });

export function readConfig(environment: Environment): Config {
  return { tenantsFile: readEnvironment(variables, environment).TENANTS_FILE };
}
