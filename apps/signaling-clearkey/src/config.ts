import { port, readEnvironment, type Environment } from '@latchkey/runtime';
import { readTenantSource, tenantVariables, type TenantSource } from '@latchkey/tenant-source';
import { z } from 'zod';

export interface Config {
  readonly tenants: TenantSource;
  /** What key URLs begin with, as players reach key-delivery; no slash at its end. */
  readonly deliveryBaseUrl: string;
}

/** What it reads of the environment. */
export const variables = z.object({
  ...tenantVariables.shape,
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
  return { tenants: readTenantSource(environment), deliveryBaseUrl: deliveryBaseUrl.replace(/\/+$/, '') };
}
