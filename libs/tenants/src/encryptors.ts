import { z } from 'zod';

/** How an encryptor of this tenant proves who it is. Each has an id: it is what audit records name. */
const id = z.string().regex(/^[A-Za-z0-9._@:/-]{1,128}$/);
const credential = z.discriminatedUnion('method', [
  /** API Gateway with IAM authorisation: the caller's role ARN, in a header that only the gateway can set. */
  z.strictObject({ id, method: z.literal('aws-role'), roleArn: z.string() }),
  z.strictObject({ id, method: z.literal('sigv4'), accessKeyId: z.string(), secret: z.string() }),
  /** `ha1`: hex of H(user:realm:password), by algorithm. */
  z.strictObject({
    id,
    method: z.literal('digest'),
    username: z.string(),
    ha1: z.strictObject({ sha256: z.string().optional(), md5: z.string().optional() }),
  }),
  /** `hash`: scrypt, as `npm run credential` prints it. */
  z.strictObject({ id, method: z.literal('basic'), username: z.string(), hash: z.string() }),
  z.strictObject({ id, method: z.literal('api-key'), header: z.string().default('x-api-key'), hash: z.string() }),
  z.strictObject({ id, method: z.literal('mtls'), subject: z.string() }),
]);
export type EncryptorCredential = z.infer<typeof credential>;

export const encryptorsSchema = z.array(credential).default([]);

export const limitsSchema = z.strictObject({
  requestsPerMinute: z.number().int().positive().default(6_000),
  concurrency: z.number().int().positive().default(128),
});
