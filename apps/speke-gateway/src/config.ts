import { DEFAULT_LIMITS, type DocumentLimits } from '@latchkey/cpix';
import { HTTP_LIMITS, type TlsFiles } from '@latchkey/http';
import { flag, port, readEnvironment, type Environment } from '@latchkey/runtime';
import { readTenantSource, tenantVariables, type TenantSource } from '@latchkey/tenant-source';
import { z } from 'zod';

export interface Config {
  readonly port: number;
  readonly host: string;
  /** Further paths of copyProtection, e.g. `/EkeStage/copyProtection`. */
  readonly paths: readonly string[];
  /** Past any of these a document is refused; `bytes` counts for every body. */
  readonly limits: Pick<DocumentLimits, 'bytes' | 'elements'>;
  /** What one request may take altogether. */
  readonly deadlineMs: number;
  readonly inFlight: number;
  /** How long what a DRM system said may be said again to the same question. */
  readonly signalingKeptMs: number;
  readonly tls: TlsFiles | undefined;
  readonly http2: boolean;
  readonly trustProxy: readonly string[];
  readonly tenants: TenantSource;
  /** Base64 of 32 bytes: unwraps SigV4 secrets and makes Digest nonces; the same file for all gateways. */
  readonly credentialsKeyFile: string | undefined;
  /** How API Gateway proves that the role header is its own. */
  readonly doorSecret: string | undefined;
  readonly doorSubject: string | undefined;
  /** Listen beyond loopback although a tenant asks for no credential. */
  readonly allowUnauthenticated: boolean;
}

const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  );

/** What it reads of the environment. */
export const variables = z.object({
  SPEKE_PORT: port.default(8080).describe('the SPEKE door'),
  SPEKE_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('the address to listen on; beyond loopback tenants must ask for credentials'),
  SPEKE_PATHS: list
    .refine((paths) => paths.every((path) => /^(\/[A-Za-z0-9._~-]+)+$/.test(path)), {
      message: 'paths like /EkeStage/copyProtection, separated by commas',
    })
    .describe('further paths of copyProtection, e.g. /EkeStage/copyProtection, with commas between'),
  SPEKE_BODY_LIMIT: z.coerce
    .number()
    .int()
    .min(1_024)
    .max(16 * 1024 * 1024)
    .default(DEFAULT_LIMITS.bytes)
    .describe('bytes of a request at most'),
  SPEKE_ELEMENT_LIMIT: z.coerce
    .number()
    .int()
    .min(64)
    .max(1_000_000)
    .default(DEFAULT_LIMITS.elements)
    .describe('XML elements of a document at most'),
  SPEKE_DEADLINE_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(29_000)
    .default(1_800)
    .describe('what one request may take altogether'),
  SPEKE_IN_FLIGHT: z.coerce
    .number()
    .int()
    .min(1)
    .default(HTTP_LIMITS.inFlight)
    .describe('requests at work at once; more get 503 at once'),
  SIGNALING_KEPT_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(3_600)
    .default(60)
    .describe(
      "how long the gateway gives a DRM system's answer again to the same question under the same settings; 0: it asks each time",
    ),
  SPEKE_TLS_CERTIFICATE: z
    .string()
    .optional()
    .describe('PEM file; with SPEKE_TLS_KEY the door speaks TLS. Renewed files are taken without a restart'),
  SPEKE_TLS_KEY: z.string().optional().describe('PEM file'),
  SPEKE_TLS_CLIENT_AUTHORITY: z
    .string()
    .optional()
    .describe('PEM file: encryptors may show certificates of this authority (method mtls)'),
  SPEKE_HTTP2: flag.default(false).describe('HTTP/2 too, with TLS'),
  SPEKE_TRUSTED_PROXIES: list.describe(
    'addresses or CIDR ranges of proxies whose X-Forwarded-For is believed, with commas between',
  ),
  SPEKE_ALLOW_UNAUTHENTICATED: flag
    .default(false)
    .describe('listen beyond loopback although a tenant asks for no credential'),
  CREDENTIALS_KEY_FILE: z
    .string()
    .optional()
    .describe(
      'base64 of 32 bytes: unwraps SigV4 secrets and makes Digest nonces; the same for all gateways. `npm run credential -- key` makes it',
    ),
  AWS_ROLE_DOOR_SECRET: z
    .string()
    .min(32, 'at least 32 characters')
    .optional()
    .describe('what API Gateway adds as X-Latchkey-Door: only then is the role header believed'),
  AWS_ROLE_DOOR_SUBJECT: z.string().optional().describe('the same by client certificate: its subject'),
  ...tenantVariables.shape,
});
type Variables = z.output<typeof variables>;

export function readConfig(environment: Environment): Config {
  const read = readEnvironment(variables, environment);
  return {
    port: read.SPEKE_PORT,
    host: read.SPEKE_HOST,
    paths: read.SPEKE_PATHS,
    limits: { bytes: read.SPEKE_BODY_LIMIT, elements: read.SPEKE_ELEMENT_LIMIT },
    deadlineMs: read.SPEKE_DEADLINE_MS,
    inFlight: read.SPEKE_IN_FLIGHT,
    signalingKeptMs: 1_000 * read.SIGNALING_KEPT_SECONDS,
    tls: tlsFiles(read),
    http2: read.SPEKE_HTTP2,
    trustProxy: read.SPEKE_TRUSTED_PROXIES,
    tenants: readTenantSource(environment),
    credentialsKeyFile: read.CREDENTIALS_KEY_FILE,
    doorSecret: read.AWS_ROLE_DOOR_SECRET,
    doorSubject: read.AWS_ROLE_DOOR_SUBJECT,
    allowUnauthenticated: read.SPEKE_ALLOW_UNAUTHENTICATED,
  };
}

function tlsFiles(read: Variables): TlsFiles | undefined {
  if (!read.SPEKE_TLS_CERTIFICATE || !read.SPEKE_TLS_KEY) return undefined;
  return {
    certificate: read.SPEKE_TLS_CERTIFICATE,
    key: read.SPEKE_TLS_KEY,
    clientAuthority: read.SPEKE_TLS_CLIENT_AUTHORITY,
  };
}
