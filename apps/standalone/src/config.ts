import { readEnvironment, type Environment } from '@latchkey/runtime';
import { z } from 'zod';

const schema = z.object({
  /** A real bus in the place of the one in memory. */
  NATS_URL: z.string().optional(),
  DATA_DIR: z.string().default('./.data'),
  DYNAMODB_TABLE: z.string().optional(),
  KMS_KEY_ID: z.string().optional(),
});

/** What this app itself wants to know; each service reads its own. */
export function readConfig(environment: Environment): z.infer<typeof schema> {
  return readEnvironment(schema, environment);
}
