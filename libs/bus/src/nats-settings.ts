import { readFileSync } from 'node:fs';
import { EnvironmentError, readEnvironment, type ServiceContext } from '@latchkey/runtime';
import {
  credsAuthenticator,
  nkeyAuthenticator,
  type Authenticator,
  type ConnectionOptions,
  type TlsOptions,
} from 'nats';
import { z } from 'zod';

export const natsEnvironment = z.object({
  NATS_URL: z.string().default('nats://127.0.0.1:4222').describe('one or more servers, separated by commas'),
  NATS_NKEY_SEED_FILE: z
    .string()
    .optional()
    .describe("a file with the seed of this service's nkey user; `{service}` in it stands for the service's name"),
  NATS_CREDS: z.string().optional().describe('a .creds file (JWT and seed)'),
  NATS_TLS_CA: z.string().optional().describe('PEM file: the authority that signed the server’s certificate'),
  NATS_TLS_CERT: z.string().optional().describe('PEM file: this service’s own certificate'),
  NATS_TLS_KEY: z.string().optional().describe('PEM file: the key to it'),
  NATS_EVENT_REPLICAS: z.coerce
    .number()
    .int()
    .min(1)
    .max(5)
    .default(1)
    .describe('copies of the event stream in a NATS cluster: 1, 3 or 5'),
  NATS_EVENT_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .default(7)
    .describe('how long the bus keeps events for consumers that are away'),
});
type NatsEnvironment = z.infer<typeof natsEnvironment>;

export interface NatsSettings {
  readonly connection: ConnectionOptions;
  readonly replicas: number;
  readonly maxAgeDays: number;
}

/** Throws EnvironmentError. */
export function readNatsSettings(context: ServiceContext): NatsSettings {
  const variables = readEnvironment(natsEnvironment, context.environment);
  return {
    connection: connectionOptions(context, variables),
    replicas: variables.NATS_EVENT_REPLICAS,
    maxAgeDays: variables.NATS_EVENT_DAYS,
  };
}

function connectionOptions({ name, instance }: ServiceContext, variables: NatsEnvironment): ConnectionOptions {
  const authenticator = authenticatorOf(name, variables);
  const tls = tlsOf(variables);
  return {
    servers: variables.NATS_URL.split(',').map((server) => server.trim()),
    name: `${name}/${instance}`,
    ...(authenticator && { authenticator }),
    ...(tls && { tls }),
    // Stack traces of where a request began double its cost.
    noAsyncTraces: true,
    // Answers come to an inbox under the service's name: its permissions let no other service listen there.
    inboxPrefix: `_INBOX.${name}`,
    maxReconnectAttempts: -1,
    // Credentials may be wrong for a while when they are being renewed.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    timeout: 5_000,
    // A server that says nothing for 10 s is gone.
    pingInterval: 5_000,
    maxPingOut: 2,
  };
}

function authenticatorOf(service: string, variables: NatsEnvironment): Authenticator | undefined {
  if (variables.NATS_CREDS) return credsAuthenticator(read('NATS_CREDS', variables.NATS_CREDS));
  if (variables.NATS_NKEY_SEED_FILE) {
    const path = variables.NATS_NKEY_SEED_FILE.replaceAll('{service}', service);
    const seed = read('NATS_NKEY_SEED_FILE', path).toString('ascii').trim();
    return nkeyAuthenticator(Buffer.from(seed));
  }
  return undefined;
}

function tlsOf({ NATS_TLS_CA, NATS_TLS_CERT, NATS_TLS_KEY }: NatsEnvironment): TlsOptions | undefined {
  if (!NATS_TLS_CA && !NATS_TLS_CERT && !NATS_TLS_KEY) return undefined;
  return {
    ...(NATS_TLS_CA && { ca: read('NATS_TLS_CA', NATS_TLS_CA).toString() }),
    ...(NATS_TLS_CERT && { cert: read('NATS_TLS_CERT', NATS_TLS_CERT).toString() }),
    ...(NATS_TLS_KEY && { key: read('NATS_TLS_KEY', NATS_TLS_KEY).toString() }),
  };
}

function read(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new EnvironmentError(`${variable}: cannot read the file ${path}`, { cause });
  }
}
