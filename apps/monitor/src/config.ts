import { flag, port, readEnvironment, type Environment } from '@latchkey/runtime';
import { z } from 'zod';

const variables = z.object({
  CONSOLE_PORT: port.default(8082),
  CONSOLE_HOST: z.string().default('127.0.0.1'),
  /** YAML: who may see and do what (docs/console.md). Without it the console is open to lookers on loopback only. */
  CONSOLE_ACCESS_FILE: z.string().optional(),
  /** Serve an open console on other addresses than loopback. Everybody who reaches it sees content IDs and key IDs. */
  CONSOLE_OPEN: flag.default(false),
  DATA_DIR: z.string().default('./.data'),
  /** Keep the ledger in this DynamoDB table instead of DATA_DIR. */
  DYNAMODB_LEDGER_TABLE: z.string().optional(),
  DYNAMODB_ENDPOINT: z.url().optional(),
});

export type MonitorConfig = z.output<typeof variables>;

export function readMonitorConfig(environment: Environment): MonitorConfig {
  return readEnvironment(variables, environment);
}
