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

const natsEnvironment = z.object({
  /** One or more servers, separated by commas. */
  NATS_URL: z.string().default('nats://127.0.0.1:4222'),
  /** A file with the seed of this service's nkey user. */
  NATS_NKEY_SEED_FILE: z.string().optional(),
  /** A .creds file (JWT and seed). */
  NATS_CREDS: z.string().optional(),
  /** PEM files: the authority that signed the server's certificate, and this service's own certificate and key. */
  NATS_TLS_CA: z.string().optional(),
  NATS_TLS_CERT: z.string().optional(),
  NATS_TLS_KEY: z.string().optional(),
});
type NatsEnvironment = z.infer<typeof natsEnvironment>;

export function natsOptions({ name, instance, environment }: ServiceContext): ConnectionOptions {
  const variables = readEnvironment(natsEnvironment, environment);
  const authenticator = authenticatorOf(variables);
  const tls = tlsOf(variables);
  return {
    servers: variables.NATS_URL.split(',').map((server) => server.trim()),
    name: `${name}/${instance}`,
    ...(authenticator && { authenticator }),
    ...(tls && { tls }),
    // Stack traces of where a request began double its cost.
    noAsyncTraces: true,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    timeout: 5_000,
    // A server that says nothing for 10 s is gone.
    pingInterval: 5_000,
    maxPingOut: 2,
  };
}

function authenticatorOf(variables: NatsEnvironment): Authenticator | undefined {
  if (variables.NATS_CREDS) return credsAuthenticator(read('NATS_CREDS', variables.NATS_CREDS));
  if (variables.NATS_NKEY_SEED_FILE) {
    const seed = read('NATS_NKEY_SEED_FILE', variables.NATS_NKEY_SEED_FILE).toString('ascii').trim();
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
