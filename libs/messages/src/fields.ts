import {
  isKeyId,
  isProtectionScheme,
  isSystemId,
  PROTECTION_SCHEMES,
  type KeyId,
  type ProtectionScheme,
  type SystemId,
} from '@latchkey/cenc';
import { z } from 'zod';
import { atOnce, shortText } from './at-once';
import { BASE64, isBase64 } from './base64';

/** A tenant's name: it stands in store keys, wrap contexts, subjects' bodies, events and metrics. */
const TENANT_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;
export const tenantId = atOnce(
  z.string().regex(TENANT_ID, 'a tenant is 1 to 64 of a-z 0-9 _ -').meta({ description: 'tenant' }),
  (value) => typeof value === 'string' && TENANT_ID.test(value),
);

/** CPIX@contentId as the encryptor wrote it. The limit is in bytes, as the store's is. */
const CONTENT_ID_BYTES = 1_024;
export const contentId = atOnce(
  z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text) <= CONTENT_ID_BYTES, 'a content ID is at most 1,024 bytes of UTF-8')
    .meta({ description: 'content ID, at most 1,024 bytes of UTF-8' }),
  (value) => typeof value === 'string' && value.length > 0 && Buffer.byteLength(value) <= CONTENT_ID_BYTES,
);

// What a check by a function cannot say of itself, the published schemas are told.
const uuid = { type: 'string', pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' };
export const keyId = atOnce(z.custom<KeyId>(isKeyId, 'not a key ID').meta({ ...uuid, description: 'key ID' }), isKeyId);
export const systemId = atOnce(
  z.custom<SystemId>(isSystemId, 'not a system ID').meta({ ...uuid, description: 'system ID' }),
  isSystemId,
);
export const protectionScheme = atOnce(
  z
    .custom<ProtectionScheme>(isProtectionScheme, 'not a protection scheme')
    .meta({ type: 'string', enum: PROTECTION_SCHEMES, description: 'protection scheme' }),
  isProtectionScheme,
);

/** Bytes on the bus are base64 text, so that a body stays plain JSON. */
export const base64 = atOnce(
  z.string().refine(isBase64, 'not base64').meta({ pattern: BASE64.source, description: 'base64' }),
  (value) => typeof value === 'string' && isBase64(value),
);

/** An encryptor's key period, CPIX ContentKeyPeriod: times as it wrote them. */
export const keyPeriod = z.object({
  index: z.number().int().min(0).max(0xffff_ffff).optional(),
  start: shortText(64).optional(),
  end: shortText(64).optional(),
  startOffset: shortText(64).optional(),
  endOffset: shortText(64).optional(),
});
export type KeyPeriod = z.infer<typeof keyPeriod>;

/** Who asks, as the gateway made sure of it. It goes into the audit record, never into a decision about a key. */
export const requester = z.object({
  encryptorId: shortText(
    256,
    0,
    'the credential’s name in the tenant’s configuration; `anonymous` on an open loopback door',
  ),
  userAgent: shortText(256).optional(),
  address: shortText(64).optional(),
});
export type Requester = z.infer<typeof requester>;

/** One HTTP request, one exchange: the id that its events, audit records and log lines share. */
export const exchangeId = shortText(64, 8, 'one HTTP request, in all its events, records and log lines');

/** The three-part name of what SPEKE version the request came in; `cpix` for the copyProtectionData resource. */
export const spekeVersion = z.enum(['1.0', '2.0', '2.1']);
export type SpekeVersion = z.infer<typeof spekeVersion>;
