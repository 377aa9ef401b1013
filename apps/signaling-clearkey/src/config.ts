import { port, readEnvironment, type Environment } from '@latchkey/runtime';
import { z } from 'zod';

export interface Config {
  /** YAML or JSON; absent: one tenant, `default`. */
  readonly tenantsFile: string | undefined;
  /** What key URLs begin with, as players reach key-delivery; no slash at its end. */
  readonly deliveryBaseUrl: string;
}

/** What it reads of the environment. */
export const variables = z.object({
  TENANTS_FILE: z
    .string()
    .optional()
    .describe('YAML or JSON file of tenants, read again when it changes; absent: one tenant, `default`'),
  DELIVERY_BASE_URL: z
    .url({ protocol: /^https?$/, error: 'the http or https URL under which players reach key-delivery' })
    .regex(/^[\x21\x23-\x7e]+$/, 'a URL holds no space, no quote and only ASCII')
    .optional()
    .describe(
      'what key URLs begin with: the public URL of key-delivery or of the CDN before it. Default: this machine, at DELIVERY_PORT',
    ),
  DELIVERY_PORT: port.default(8081).describe('see DELIVERY_BASE_URL'),
});

export function readConfig(environment: Environment): Config {
  const read = readEnvironment(variables, environment);
  const deliveryBaseUrl = read.DELIVERY_BASE_URL ?? `http://localhost:${read.DELIVERY_PORT}`;
  return { tenantsFile: read.TENANTS_FILE, deliveryBaseUrl: deliveryBaseUrl.replace(/\/+$/, '') };
}
