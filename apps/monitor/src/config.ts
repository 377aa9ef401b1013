import type { TlsFiles } from '@latchkey/http';
import { flag, port, readEnvironment, type Environment } from '@latchkey/runtime';
import { z } from 'zod';

export interface MonitorConfig {
  readonly port: number;
  readonly host: string;
  readonly tls: TlsFiles | undefined;
  readonly trustProxy: readonly string[];
  readonly accessFile: string | undefined;
  readonly access: string | undefined;
  readonly allowUnauthenticated: boolean;
  readonly dataDir: string;
  readonly ledgerTable: string | undefined;
  /** Share of exchanges that may not fail, for the error budget. */
  readonly objective: number;
  readonly missedAfter: number;
  readonly lateAfter: number;
  readonly endedAfterMs: number;
  readonly readiness: ReadonlyMap<string, string>;
  readonly traceUrl: string | undefined;
  readonly bridgesFile: string | undefined;
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
const cadences = z.coerce.number().min(1).max(100);

/** What it reads of the environment. */
export const variables = z.object({
  CONSOLE_PORT: port.default(8082).describe('the ops console and its API'),
  CONSOLE_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('the address to listen on; beyond loopback it must be said who may see it'),
  CONSOLE_TLS_CERTIFICATE: z
    .string()
    .optional()
    .describe('PEM file; with CONSOLE_TLS_KEY the console speaks TLS. Renewed files are taken without a restart'),
  CONSOLE_TLS_KEY: z.string().optional().describe('PEM file'),
  CONSOLE_TRUST_PROXY: list.describe(
    'addresses or CIDR ranges of proxies whose X-Forwarded-For is believed, with commas between',
  ),
  CONSOLE_ACCESS_FILE: z.string().optional().describe('YAML: who may see and do what (docs/console.md)'),
  CONSOLE_ACCESS: z.string().optional().describe('the text of such a file: where secrets come as variables'),
  CONSOLE_ALLOW_UNAUTHENTICATED: flag
    .default(false)
    .describe('serve an open console beyond loopback: everybody who reaches it sees content IDs and key IDs'),
  DATA_DIR: z.string().default('./.data').describe('where the embedded ledger is'),
  DYNAMODB_LEDGER_TABLE: z.string().optional().describe('keep the ledger in this DynamoDB table instead of DATA_DIR'),
  SERVICE_OBJECTIVE: z.coerce
    .number()
    .min(0.5)
    .lt(1)
    .default(0.999)
    .describe('share of exchanges that must not fail, for the error budget'),
  ROTATION_MISSED_AFTER: cadences
    .default(1.5)
    .describe('an endpoint that is silent for so many of its periods has missed a rotation'),
  ROTATION_LATE_AFTER: cadences.default(1.2).describe('after so many of its periods it is late'),
  ROTATION_ENDED_AFTER_HOURS: z.coerce
    .number()
    .positive()
    .default(24)
    .describe('an endpoint that is silent so long has ended'),
  CONSOLE_READINESS_URLS: list
    .refine((pairs) => pairs.every((pair) => /^[a-z0-9-]+=https?:\/\/\S+$/.test(pair)), {
      message: 'pairs like speke-gateway=http://gateway:8080/readyz, separated by commas',
    })
    .describe('`name=url` of /readyz, separated by commas. Absent: the gateway and key-delivery of this machine.'),
  CONSOLE_TRACE_URL: z
    .url()
    .refine((url) => url.includes('{traceId}') || url.includes('%7BtraceId%7D'), 'has no {traceId}')
    .optional()
    .describe('A page of your tracing system with {traceId} in it'),
  BRIDGES_FILE: z
    .string()
    .optional()
    .describe('YAML: webhooks and EventBridge buses that events go to (docs/console.md)'),
  SPEKE_PORT: port.default(8080).describe('where the gateway of this machine is, for its readiness; 0: there is none'),
  DELIVERY_PORT: port.default(8081).describe('the same for key-delivery'),
});

export function readMonitorConfig(environment: Environment): MonitorConfig {
  const read = readEnvironment(variables, environment);
  const { CONSOLE_TLS_CERTIFICATE: certificate, CONSOLE_TLS_KEY: key } = read;
  return {
    port: read.CONSOLE_PORT,
    host: read.CONSOLE_HOST,
    tls: certificate && key ? { certificate, key } : undefined,
    trustProxy: read.CONSOLE_TRUST_PROXY,
    accessFile: read.CONSOLE_ACCESS_FILE,
    access: read.CONSOLE_ACCESS,
    allowUnauthenticated: read.CONSOLE_ALLOW_UNAUTHENTICATED,
    dataDir: read.DATA_DIR,
    ledgerTable: read.DYNAMODB_LEDGER_TABLE,
    objective: read.SERVICE_OBJECTIVE,
    missedAfter: read.ROTATION_MISSED_AFTER,
    lateAfter: read.ROTATION_LATE_AFTER,
    endedAfterMs: read.ROTATION_ENDED_AFTER_HOURS * 3_600_000,
    readiness: readinessUrls(read),
    bridgesFile: read.BRIDGES_FILE,
    traceUrl: read.CONSOLE_TRACE_URL?.replaceAll('%7BtraceId%7D', '{traceId}'),
  };
}

function readinessUrls(read: z.output<typeof variables>): Map<string, string> {
  if (read.CONSOLE_READINESS_URLS.length > 0) {
    return new Map(read.CONSOLE_READINESS_URLS.map((pair) => splitOnce(pair, '=')));
  }
  const here = { 'speke-gateway': read.SPEKE_PORT, 'key-delivery': read.DELIVERY_PORT };
  const known = Object.entries(here).filter(([, at]) => at !== 0);
  return new Map(known.map(([name, at]) => [name, `http://127.0.0.1:${at}/readyz`]));
}

function splitOnce(text: string, by: string): [string, string] {
  const at = text.indexOf(by);
  return [text.slice(0, at), text.slice(at + 1)];
}
