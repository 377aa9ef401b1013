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
import { BASE64, isBase64 } from './base64';

/** A tenant's name: it stands in store keys, wrap contexts, subjects' bodies, events and metrics. */
export const tenantId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'a tenant is 1 to 64 of a-z 0-9 _ -')
  .meta({ description: 'tenant' });

/** CPIX@contentId as the encryptor wrote it. The limit is in bytes, as the store's is. */
export const contentId = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= 1024, 'a content ID is at most 1,024 bytes of UTF-8')
  .meta({ description: 'content ID, at most 1,024 bytes of UTF-8' });

// What a check by a function cannot say of itself, the published schemas are told.
const uuid = { type: 'string', pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' };
export const keyId = z.custom<KeyId>(isKeyId, 'not a key ID').meta({ ...uuid, description: 'key ID' });
export const systemId = z.custom<SystemId>(isSystemId, 'not a system ID').meta({ ...uuid, description: 'system ID' });
export const protectionScheme = z
  .custom<ProtectionScheme>(isProtectionScheme, 'not a protection scheme')
  .meta({ type: 'string', enum: PROTECTION_SCHEMES, description: 'protection scheme' });

/** Bytes on the bus are base64 text, so that a body stays plain JSON. */
export const base64 = z.string().refine(isBase64, 'not base64').meta({ pattern: BASE64.source, description: 'base64' });

/** An encryptor's key period, CPIX ContentKeyPeriod: times as it wrote them. */
export const keyPeriod = z.object({
  index: z.number().int().min(0).max(0xffff_ffff).optional(),
  start: z.string().max(64).optional(),
  end: z.string().max(64).optional(),
  startOffset: z.string().max(64).optional(),
  endOffset: z.string().max(64).optional(),
});
export type KeyPeriod = z.infer<typeof keyPeriod>;

/** Who asks, as the gateway made sure of it. It goes into the audit record, never into a decision about a key. */
export const requester = z.object({
  encryptorId: z
    .string()
    .max(256)
    .describe('the credential’s name in the tenant’s configuration; `anonymous` on an open loopback door'),
  userAgent: z.string().max(256).optional(),
  address: z.string().max(64).optional(),
});
export type Requester = z.infer<typeof requester>;

/** One HTTP request, one exchange: the id that its events, audit records and log lines share. */
export const exchangeId = z
  .string()
  .min(8)
  .max(64)
  .describe('one HTTP request, in all its events, records and log lines');

/** The three-part name of what SPEKE version the request came in; `cpix` for the copyProtectionData resource. */
export const spekeVersion = z.enum(['1.0', '2.0', '2.1']);
export type SpekeVersion = z.infer<typeof spekeVersion>;
