import { z } from 'zod';

/** How a player shows that it may have a key. Deepened in key-delivery's own rooms. */
const entitlement = z.discriminatedUnion('mode', [
  /** Whoever asks. Explicit, and warned about. */
  z.strictObject({ mode: z.literal('open') }),
  z.strictObject({
    mode: z.literal('jwt'),
    algorithms: z.array(z.enum(['HS256', 'RS256', 'ES256'])).min(1),
    /** HS256: base64url of at least 32 bytes, by `kid` header or a single one. */
    secrets: z.array(z.strictObject({ kid: z.string().optional(), secret: z.string() })).default([]),
    /** RS256, ES256: PEM public keys, or a JWKS URL. */
    publicKeys: z.array(z.strictObject({ kid: z.string().optional(), pem: z.string() })).default([]),
    jwksUrl: z.url().optional(),
    issuer: z.string(),
    audience: z.string(),
    clockSkewSeconds: z.number().int().min(0).max(300).default(30),
    maxAgeSeconds: z.number().int().positive().optional(),
    bindAddress: z.boolean().default(false),
  }),
  z.strictObject({
    mode: z.literal('signed-url'),
    secrets: z.array(z.strictObject({ kid: z.string(), secret: z.string() })).min(1),
  }),
  z.strictObject({
    mode: z.literal('signed-cookie'),
    secrets: z.array(z.strictObject({ kid: z.string(), secret: z.string() })).min(1),
    cookie: z.string().default('latchkey'),
  }),
]);

export const deliverySchema = z.strictObject({
  entitlement: entitlement.default({ mode: 'open' }),
  cors: z
    .strictObject({
      /** Exact origins; `*` for any, without credentials. */
      origins: z.array(z.string()).default(['*']),
      maxAgeSeconds: z.number().int().min(0).default(600),
    })
    .prefault({}),
  rateLimit: z
    .strictObject({
      perAddressPerMinute: z.number().int().positive().default(6_000),
      perTokenPerMinute: z.number().int().positive().default(600),
    })
    .prefault({}),
  /** `each`: one audit record for each delivery; `counted`: counts by key, in windows. Denials are always kept. */
  audit: z.enum(['each', 'counted']).default('counted'),
});
export type TenantDelivery = z.infer<typeof deliverySchema>;
