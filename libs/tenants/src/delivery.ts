import { createPublicKey } from 'node:crypto';
import { z } from 'zod';

/** HMAC keys: RFC 7518, 3.2 wants at least as many bits as the hash has. */
const MIN_SECRET_BYTES = 32;
const MIN_RSA_BITS = 2048;

const secret = z
  .string()
  .regex(/^[A-Za-z0-9_-]+$/, 'a secret is base64url without padding')
  .refine(
    (text) => Buffer.byteLength(text, 'base64url') >= MIN_SECRET_BYTES,
    `a secret is at least ${MIN_SECRET_BYTES} bytes, as base64url`,
  );

/** Names a secret in a signed URL or cookie, where `.` and `&` separate. */
const secretName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'the name of a secret is 1 to 64 of A-Z a-z 0-9 _ -');
const signingSecrets = z
  .array(
    z.strictObject({
      kid: secretName.describe('names the secret in signatures'),
      secret: secret.describe('base64url of 32 bytes or more'),
    }),
  )
  .min(1);

const publicKey = z.strictObject({
  kid: z.string().optional().describe('of the tokens that it is for'),
  pem: z
    .string()
    .superRefine((pem, context) => {
      const fault = publicKeyFault(pem);
      if (fault) context.addIssue({ code: 'custom', message: fault });
    })
    .describe('SubjectPublicKeyInfo'),
});

function publicKeyFault(pem: string): string | undefined {
  if (pem.includes('PRIVATE KEY')) return 'a private key has no place here: give the public one';
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPublicKey(pem);
    if (type === 'rsa') {
      return (details?.modulusLength ?? 0) >= MIN_RSA_BITS ? undefined : `an RSA key has at least ${MIN_RSA_BITS} bits`;
    }
    return type === 'ec' && details?.namedCurve === 'prime256v1' ? undefined : 'a public key is RSA, or EC on P-256';
  } catch {
    return 'not a public key in PEM';
  }
}

const jwksUrl = z.url().refine((text) => {
  const url = new URL(text);
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname));
}, 'a JWKS URL is https (http only on loopback)');
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** RFC 7519 tokens, checked as RFC 8725 says. Claims: `contentId` (text or list, `*` for any text), `kids` (list), `ip`. */
const jwt = z
  .strictObject({
    mode: z.literal('jwt'),
    algorithms: z
      .array(z.enum(['HS256', 'RS256', 'ES256']))
      .min(1)
      .describe("what is accepted, whatever a token's header says"),
    secrets: z
      .array(
        z.strictObject({
          kid: z.string().optional().describe('of the tokens that it is for'),
          secret: secret.describe('base64url of 32 bytes or more'),
        }),
      )
      .default([])
      .describe('HS256: base64url of at least 32 bytes, by `kid` header or a single one'),
    publicKeys: z.array(publicKey).default([]).describe('RS256, ES256: PEM public keys, or a JWKS URL'),
    jwksUrl: jwksUrl.optional().describe('where the issuer keeps its public keys; https'),
    issuer: z.string().min(1).describe('the `iss` that tokens must have'),
    audience: z.string().min(1).describe('the `aud` that tokens must have'),
    type: z
      .string()
      .min(1)
      .optional()
      .describe('the `typ` header that tokens must have, e.g. `at+jwt` (RFC 8725, 3.11).'),
    clockSkewSeconds: z.number().int().min(0).max(300).default(30).describe('how far the clocks may be apart'),
    maxAgeSeconds: z.number().int().positive().optional().describe('counted from `iat`, which tokens must then have'),
    requireKids: z
      .boolean()
      .default(false)
      .describe('A token without `kids` names all keys of its content, unless this asks for them'),
    bindAddress: z.boolean().default(false).describe("the token's `ip` must be the player's address"),
    from: z
      .array(z.enum(['authorization', 'query', 'cookie']))
      .min(1)
      .default(['authorization', 'query', 'cookie'])
      .describe('where a token may stand, in the order of looking'),
    queryParameter: z.string().min(1).default('token').describe('its name in the URL'),
    cookie: z.string().min(1).default('latchkey').describe('its name'),
  })
  .superRefine((config, context) => {
    const symmetric = config.algorithms.includes('HS256');
    const asymmetric = config.algorithms.some((algorithm) => algorithm !== 'HS256');
    const hasPublicKeys = config.publicKeys.length > 0 || config.jwksUrl !== undefined;
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (symmetric && config.secrets.length === 0) refuse('secrets', 'HS256 wants at least one secret');
    if (!symmetric && config.secrets.length > 0) refuse('secrets', 'there are secrets, but HS256 is not accepted');
    if (asymmetric && !hasPublicKeys) refuse('publicKeys', 'RS256 and ES256 want publicKeys or a jwksUrl');
    if (!asymmetric && hasPublicKeys)
      refuse('algorithms', 'there are public keys, but neither RS256 nor ES256 is accepted');
  })
  .describe('RFC 7519 tokens, judged as RFC 8725 says');

/** How a player shows that it may have a key. */
const entitlement = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('open') }).describe('whoever asks. Explicit, and warned about.'),
  jwt,
  z
    .strictObject({
      mode: z.literal('signed-url'),
      secrets: signingSecrets.describe('several, to change them'),
      bindAddress: z.boolean().default(false).describe("the signature was made over the player's address"),
    })
    .describe("an HMAC in the URL's query, for one key or all keys of one content"),
  z
    .strictObject({
      mode: z.literal('signed-cookie'),
      secrets: signingSecrets.describe('several, to change them'),
      cookie: z.string().min(1).default('latchkey').describe('its name'),
      bindAddress: z.boolean().default(false).describe("the signature was made over the player's address"),
    })
    .describe('an HMAC in a cookie, over a pattern of content IDs'),
]);
export type TenantEntitlement = z.infer<typeof entitlement>;

const origin = z
  .string()
  .refine(
    (text) => text === '*' || (!text.includes('*') && URL.canParse(text) && new URL(text).origin === text),
    'an origin is like https://player.example.com, without a path or a slash at its end, or *',
  );

export const deliverySchema = z
  .strictObject({
    entitlement: entitlement
      .optional()
      .describe('absent: open on loopback, and nobody gets a key elsewhere: who wants that everybody does says so'),
    deliverDrmOnlyKeys: z
      .boolean()
      .default(false)
      .describe(
        'Give players, in the clear, also keys that were only ever issued for Widevine, PlayReady, FairPlay or other DRM systems: who has a token then needs no DRM. Warned about, and refused with `open` delivery.',
      ),
    cors: z
      .strictObject({
        origins: z
          .array(origin)
          .default(['*'])
          .describe('exact origins, with credentials; `*` for any, without credentials'),
        maxAgeSeconds: z
          .number()
          .int()
          .min(0)
          .default(600)
          .describe('how long a browser may keep the answer to a preflight'),
      })
      .prefault({}),
    cacheSeconds: z
      .number()
      .int()
      .min(0)
      .max(31_536_000)
      .optional()
      .describe(
        "How long browsers and CDNs may keep a key where the URL carries the entitlement (`signed-url`, and then never past the signature's end) or none is wanted (`open`). 0: `no-store`. Under per-viewer tokens keys are never kept.",
      ),
    rateLimit: z
      .strictObject({
        perAddressPerMinute: z
          .number()
          .int()
          .positive()
          .default(60_000)
          .describe('requests a minute of one address, in each process'),
        perTokenPerMinute: z
          .number()
          .int()
          .positive()
          .default(600)
          .describe('requests a minute of one token, in each process'),
      })
      .prefault({}),
    audit: z
      .enum(['each', 'counted'])
      .default('counted')
      .describe(
        '`each`: one audit record for each delivery; `counted`: counts by key, in windows. Denials are always kept.',
      ),
  })
  .superRefine(({ deliverDrmOnlyKeys, entitlement: rules }, context) => {
    if (!deliverDrmOnlyKeys || (rules && rules.mode !== 'open')) return;
    const message = 'keys of DRM systems are for nobody without an entitlement: jwt, signed-url or signed-cookie';
    context.addIssue({ code: 'custom', path: ['deliverDrmOnlyKeys'], message });
  });
export type TenantDelivery = z.infer<typeof deliverySchema>;
