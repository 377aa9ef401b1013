import { port, readEnvironment, type Environment } from '@latchkey/runtime';
import { z } from 'zod';

export interface Config {
  /** YAML or JSON; absent: one tenant, `default`. */
  readonly tenantsFile: string | undefined;
  /** What key URLs begin with, as players reach key-delivery; no slash at its end. */
  readonly deliveryBaseUrl: string;
}

const variables = z.object({
  TENANTS_FILE: z.string().optional(),
  DELIVERY_BASE_URL: z
    .url({ protocol: /^https?$/, error: 'the http or https URL under which players reach key-delivery' })
    .regex(/^[\x21\x23-\x7e]+$/, 'a URL holds no space, no quote and only ASCII')
    .optional(),
  DELIVERY_PORT: port.default(8081),
});

export function readConfig(environment: Environment): Config {
  const read = readEnvironment(variables, environment);
  const deliveryBaseUrl = read.DELIVERY_BASE_URL ?? `http://localhost:${read.DELIVERY_PORT}`;
  return { tenantsFile: read.TENANTS_FILE, deliveryBaseUrl: deliveryBaseUrl.replace(/\/+$/, '') };
}
