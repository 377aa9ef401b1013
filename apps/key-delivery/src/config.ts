import { HTTP_LIMITS, type TlsFiles } from '@latchkey/http';
import { flag, port, readEnvironment, type Environment } from '@latchkey/runtime';
import { readTenantSource, tenantVariables, type TenantSource } from '@latchkey/tenant-source';
import { z } from 'zod';

export interface Config {
  readonly port: number;
  readonly host: string;
  readonly tls: TlsFiles | undefined;
  readonly trustProxy: readonly string[];
  readonly inFlight: number;
  /** How far the event loop may fall behind before requests are refused. */
  readonly mostDelayMs: number;
  /** Keys in memory at most. */
  readonly heldKeys: number;
  /** How long a key may stay there without being asked for anew: the bound of a revocation that was not heard. */
  readonly holdMs: number;
  /** Deliver beyond loopback for tenants that say nothing of entitlement. */
  readonly allowOpen: boolean;
  readonly tenants: TenantSource;
}

/** What it reads of the environment. */
export const variables = z.object({
  DELIVERY_PORT: port.default(8081).describe('the door for players'),
  DELIVERY_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('the address to listen on; beyond loopback each tenant must say who may have its keys'),
  DELIVERY_TLS_CERTIFICATE: z
    .string()
    .optional()
    .describe('PEM file; with DELIVERY_TLS_KEY the door speaks TLS. Renewed files are taken without a restart'),
  DELIVERY_TLS_KEY: z.string().optional().describe('PEM file'),
  DELIVERY_TRUSTED_PROXIES: z
    .string()
    .default('')
    .describe('addresses or CIDR ranges of proxies whose X-Forwarded-For is believed, with commas between'),
  DELIVERY_IN_FLIGHT: z.coerce
    .number()
    .int()
    .min(1)
    .default(HTTP_LIMITS.inFlight)
    .describe('requests at work at once; more get 503 at once'),
  DELIVERY_MOST_DELAY_MS: z.coerce
    .number()
    .int()
    .min(10)
    .default(500)
    .describe('how far the event loop may fall behind before requests are refused'),
  DELIVERY_HELD_KEYS: z.coerce
    .number()
    .int()
    .min(64)
    .max(10_000_000)
    .default(100_000)
    .describe('keys in memory at most'),
  DELIVERY_HOLD_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_600)
    .default(300)
    .describe('how long a key may stay in memory: the bound of a revocation that was not heard'),
  DELIVERY_ALLOW_OPEN: flag
    .default(false)
    .describe('deliver beyond loopback for tenants that say nothing of entitlement'),
  ...tenantVariables.shape,
});

export function readConfig(environment: Environment): Config {
  const read = readEnvironment(variables, environment);
  const { DELIVERY_TLS_CERTIFICATE: certificate, DELIVERY_TLS_KEY: key } = read;
  return {
    port: read.DELIVERY_PORT,
    host: read.DELIVERY_HOST,
    tls: certificate && key ? { certificate, key } : undefined,
    trustProxy: read.DELIVERY_TRUSTED_PROXIES.split(',')
      .map((entry) => entry.trim())
      .filter(Boolean),
    inFlight: read.DELIVERY_IN_FLIGHT,
    mostDelayMs: read.DELIVERY_MOST_DELAY_MS,
    heldKeys: read.DELIVERY_HELD_KEYS,
    holdMs: read.DELIVERY_HOLD_SECONDS * 1_000,
    allowOpen: read.DELIVERY_ALLOW_OPEN,
    tenants: readTenantSource(environment),
  };
}
