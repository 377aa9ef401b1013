import { EnvironmentError, flag, readEnvironment, type Environment } from '@latchkey/runtime';
import { tenantVariables } from '@latchkey/tenant-source';
import { z } from 'zod';
import { DEFAULT_ATTEMPT_MS } from './aws/guarded-calls';
import { DEFAULT_DATA_KEY_LIMITS } from './wrapping/key-wrapper';

const count = z.coerce.number().int().positive();

/** What it reads of the environment. */
export const variables = z.object({
  DATA_DIR: z.string().default('./.data').describe('where the embedded store and the local master key are'),
  ...tenantVariables.shape,
  DYNAMODB_TABLE: z.string().optional().describe('keep keys in this DynamoDB table instead of DATA_DIR'),
  KMS_KEY_ID: z
    .string()
    .optional()
    .describe('wrap under this KMS key (ID, ARN or alias) instead of the file in DATA_DIR'),
  KMS_OLD_KEY_IDS: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter(Boolean))
    .describe(
      'other KMS keys, comma-separated, that data keys may still lie under: after KMS_KEY_ID has changed, until they are re-encrypted',
    ),
  AWS_ATTEMPT_MS: count
    .max(60_000)
    .default(DEFAULT_ATTEMPT_MS)
    .describe(
      'how long DynamoDB and KMS have for one of two attempts; beyond the default, encryptors may be gone before the second is over',
    ),
  DATA_KEY_MAX_AGE_SECONDS: count
    .max(86_400)
    .default(DEFAULT_DATA_KEY_LIMITS.maxAgeMs / 1_000)
    .describe(
      'how long a data key is used and held. A known key is answered as long after KMS has gone, or has been told to refuse.',
    ),
  DATA_KEY_MAX_MESSAGES: count
    .max(2 ** 31)
    .default(DEFAULT_DATA_KEY_LIMITS.maxMessages)
    .describe('keys wrapped under one data key at most'),
  DATA_KEY_MAX_BYTES: count
    .default(DEFAULT_DATA_KEY_LIMITS.maxBytes)
    .describe('bytes wrapped under one data key at most'),
  DATA_KEY_CACHE: count.default(DEFAULT_DATA_KEY_LIMITS.maxCached).describe('data keys held at most'),
  OPENED_KEY_CACHE: z.coerce
    .number()
    .int()
    .min(0)
    .default(DEFAULT_DATA_KEY_LIMITS.maxOpened)
    .describe('content keys held at most after they were unwrapped, none longer than its data key; 0: none'),
  AUDIT_FAIL_OPEN: flag
    .default(false)
    .describe(
      'answer though the audit record could not be written. Whoever sets it loses the promise that no key leaves unrecorded.',
    ),
});

export type KeyServiceConfig = z.output<typeof variables>;

/** Throws EnvironmentError. */
export function readKeyServiceConfig(environment: Environment): KeyServiceConfig {
  const config = readEnvironment(variables, environment);
  if (config.DYNAMODB_TABLE && !config.KMS_KEY_ID) {
    throw new EnvironmentError(
      'The environment is not right:\n  KMS_KEY_ID: set it when DYNAMODB_TABLE is set; a master key in a file is for one machine',
    );
  }
  return config;
}
