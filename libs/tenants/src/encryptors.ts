import { z } from 'zod';

/** The realm of Digest and Basic: part of what HA1 is made from, so it never changes. */
export const REALM = 'latchkey';

/** `scrypt$<log2 N>$<r>$<p>$<salt>$<hash>`, base64url, as `npm run credential` prints it. */
const passwordHash = z
  .string()
  .regex(/^scrypt\$\d{1,2}\$\d{1,2}\$\d{1,2}\$[\w-]{22,}\$[\w-]{43,}$/, 'not a hash as `npm run credential` prints it');
const hex = (digits: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-fA-F]{${digits}}$`), `${digits} hex digits`)
    .transform((text) => text.toLowerCase());
const userName = z
  .string()
  .regex(/^[^:"\\\p{Cc}]{1,128}$/u, 'a user name has no colon, quote, backslash or control character');
const headerName = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, 'a header name')
  .transform((text) => text.toLowerCase());

/** What a credential may do: `issue` keys; `read-clear`, get the stored documents' keys unencrypted; `import`, `revoke`. */
export const ENCRYPTOR_RIGHTS = ['issue', 'read-clear', 'import', 'revoke'] as const;
export type EncryptorRight = (typeof ENCRYPTOR_RIGHTS)[number];

const everyCredential = {
  id: z
    .string()
    .regex(/^[A-Za-z0-9._@:/-]{1,128}$/)
    .describe('what audit records name'),
  rights: z.array(z.enum(ENCRYPTOR_RIGHTS)).default(['issue']),
  certificate: z
    .string()
    .transform((text) => text.replace(/\s|-----[A-Z ]+-----/g, ''))
    .pipe(z.base64())
    .optional()
    .describe(
      'base64 DER of an RSA certificate: stored documents without recipients are encrypted for it when this credential reads them',
    ),
};

/** How an encryptor of this tenant proves who it is; docs/security.md tells when to choose which. */
const credential = z.discriminatedUnion('method', [
  z
    .strictObject({
      ...everyCredential,
      method: z.literal('aws-role'),
      roleArn: z
        .string()
        .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/, 'the ARN of an IAM role')
        .describe('`arn:aws:iam::<account>:role/<path/><name>`'),
    })
    .describe("API Gateway with IAM authorisation: the caller's role, in a header that only API Gateway can send"),
  z.strictObject({
    ...everyCredential,
    method: z.literal('sigv4'),
    accessKeyId: z
      .string()
      .regex(/^[A-Za-z0-9]{16,128}$/, '16 to 128 letters and digits')
      .describe('what names the secret in a signature'),
    secret: z
      .string()
      .regex(/^wrapped:[\w-]{40,}$/, 'not a secret as `npm run credential` wraps it')
      .describe('`wrapped:…`, as `npm run credential` prints it: verifying a signature takes the secret itself'),
  }),
  z
    .strictObject({
      ...everyCredential,
      method: z.literal('digest'),
      username: userName.describe('as the encoder sends it'),
      ha1: z
        .strictObject({
          sha256: hex(64).optional().describe('for SHA-256'),
          md5: hex(32).optional().describe('for encoders that cannot SHA-256'),
        })
        .refine(({ sha256, md5 }) => sha256 !== undefined || md5 !== undefined, 'sha256, md5 or both'),
    })
    .describe('`ha1`: hex of H(username:latchkey:password), by algorithm'),
  z.strictObject({
    ...everyCredential,
    method: z.literal('basic'),
    username: userName.describe('as the encoder sends it'),
    hash: passwordHash.describe('`scrypt$…`, as `npm run credential` prints it'),
  }),
  z.strictObject({
    ...everyCredential,
    method: z.literal('api-key'),
    header: headerName.default('x-api-key').describe('where the key stands'),
    hash: passwordHash.describe('`scrypt$…`, as `npm run credential` prints it'),
    hint: hex(8)
      .optional()
      .describe(
        "the first 8 hex digits of the key's SHA-256: which hash to try. Without it each key is tried against this one.",
      ),
  }),
  z.strictObject({
    ...everyCredential,
    method: z.literal('mtls'),
    subject: z
      .string()
      .min(4)
      .max(512)
      .describe('the whole subject in the order of the certificate, e.g. `C=DE, O=Studio, CN=encoder-1`.'),
  }),
]);
export type EncryptorCredential = z.infer<typeof credential>;

export const encryptorsSchema = z.array(credential).default([]);

const limit = z.number().int().positive();
export const limitsSchema = z.strictObject({
  requestsPerMinute: limit.default(120_000).describe('requests a minute, in each gateway process'),
  concurrency: limit.default(512).describe('requests at work at once, in each gateway process'),
  perCredential: z
    .strictObject({
      requestsPerMinute: limit.optional().describe('requests a minute of one credential'),
      concurrency: limit.optional().describe('requests at work at once of one credential'),
    })
    .prefault({})
    .describe('the same for each single credential'),
});
export type TenantLimits = z.infer<typeof limitsSchema>;

/** What a request with this credential shows: no two tenants may be told apart by nothing else. */
export function credentialName(credential: EncryptorCredential): string {
  switch (credential.method) {
    case 'aws-role':
      // What a caller shows is its role's name without the path, which is one in an account.
      return `aws-role ${credential.roleArn.replace(/:role\/.*\//, ':role/')}`;
    case 'sigv4':
      return `sigv4 ${credential.accessKeyId}`;
    case 'digest':
    case 'basic':
      return `${credential.method} ${credential.username}`;
    case 'api-key':
      return `api-key ${credential.header} ${credential.hash}`;
    case 'mtls':
      return `mtls ${credential.subject}`;
  }
}
