import { HTTP_LIMITS, type TlsFiles } from '@latchkey/http';
import { flag, port, readEnvironment, type Environment } from '@latchkey/runtime';
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
  /** YAML or JSON; absent: one tenant, `default`, that says nothing of entitlement. */
  readonly tenantsFile: string | undefined;
}

const variables = z.object({
  DELIVERY_PORT: port.default(8081),
  DELIVERY_HOST: z.string().default('127.0.0.1'),
  DELIVERY_TLS_CERTIFICATE: z.string().optional(),
  DELIVERY_TLS_KEY: z.string().optional(),
  /** Addresses or CIDR ranges of proxies whose X-Forwarded-For is believed, with commas between. */
  DELIVERY_TRUSTED_PROXIES: z.string().default(''),
  DELIVERY_IN_FLIGHT: z.coerce.number().int().min(1).default(HTTP_LIMITS.inFlight),
  DELIVERY_MOST_DELAY_MS: z.coerce.number().int().min(10).default(200),
  DELIVERY_HELD_KEYS: z.coerce.number().int().min(64).max(10_000_000).default(100_000),
  DELIVERY_HOLD_SECONDS: z.coerce.number().int().min(1).max(3_600).default(300),
  DELIVERY_ALLOW_OPEN: flag.default(false),
  TENANTS_FILE: z.string().optional(),
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
    tenantsFile: read.TENANTS_FILE,
  };
}
