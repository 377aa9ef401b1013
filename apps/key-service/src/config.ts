import { EnvironmentError, flag, readEnvironment, type Environment } from '@latchkey/runtime';
import { z } from 'zod';
import { DEFAULT_DATA_KEY_LIMITS } from './wrapping/key-wrapper';

const count = z.coerce.number().int().positive();

const variables = z.object({
  /** Where the embedded store and the local master key are. */
  DATA_DIR: z.string().default('./.data'),
  TENANTS_FILE: z.string().optional(),
  /** Keep keys in this DynamoDB table instead of DATA_DIR. */
  DYNAMODB_TABLE: z.string().optional(),
  /** Wrap under this KMS key (ID, ARN or alias) instead of the file in DATA_DIR. */
  KMS_KEY_ID: z.string().optional(),
  /** Other KMS keys, comma-separated, that data keys may still lie under: after KMS_KEY_ID has changed, until they are re-encrypted. */
  KMS_OLD_KEY_IDS: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter(Boolean)),
  /** How long a data key is used and held. A known key is answered as long after KMS has gone, or has been told to refuse. */
  DATA_KEY_MAX_AGE_SECONDS: count.max(86_400).default(DEFAULT_DATA_KEY_LIMITS.maxAgeMs / 1_000),
  DATA_KEY_MAX_MESSAGES: count.max(2 ** 31).default(DEFAULT_DATA_KEY_LIMITS.maxMessages),
  DATA_KEY_MAX_BYTES: count.default(DEFAULT_DATA_KEY_LIMITS.maxBytes),
  DATA_KEY_CACHE: count.default(DEFAULT_DATA_KEY_LIMITS.maxCached),
  /** Answer though the audit record could not be written. Whoever sets it loses the promise that no key leaves unrecorded. */
  AUDIT_FAIL_OPEN: flag.default(false),
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
