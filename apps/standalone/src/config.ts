import { availableParallelism } from 'node:os';
import { readEnvironment, type Environment } from '@latchkey/runtime';
import { z } from 'zod';

export const variables = z.object({
  THREADS: z.coerce
    .number()
    .int()
    .min(1)
    .max(2)
    .optional()
    .describe(
      'with 2, key-service and the monitor have a thread of their own; with 1, all is in one. 2 if the machine has more than one core',
    ),
});

const schema = variables.extend({
  /** A real bus in the place of the one in memory. */
  NATS_URL: z.string().optional(),
  DATA_DIR: z.string().default('./.data'),
  DYNAMODB_TABLE: z.string().optional(),
  KMS_KEY_ID: z.string().optional(),
});

type Config = z.infer<typeof schema> & { readonly THREADS: number };

/** What this app itself wants to know; each service reads its own. */
export function readConfig(environment: Environment): Config {
  const { THREADS = Math.min(availableParallelism(), 2), ...others } = readEnvironment(schema, environment);
  return { THREADS, ...others };
}
