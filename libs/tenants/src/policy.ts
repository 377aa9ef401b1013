import { isKeyId, isSystemId, PROTECTION_SCHEMES, type KeyId, type SystemId } from '@latchkey/cenc';
import { z } from 'zod';

const systemId = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.custom<SystemId>(isSystemId, 'not a system ID'));
const keyId = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.custom<KeyId>(isKeyId, 'not a key ID'));

/** SPEKE 2.1: what a track type's key asks of outputs and of the CDM. The first rule whose pattern fits the track type holds. */
const trackPolicy = z.strictObject({
  /** `*` stands for any text, e.g. `UHD*`. */
  trackType: z.string().min(1),
  hdcp: z
    .strictObject({
      hlsLevel: z.enum(['NONE', 'TYPE-0', 'TYPE-1']),
      /** The DASH OutputProtection element, as XML text. */
      outputProtection: z.string().optional(),
    })
    .optional(),
  /** ContentProtectionData@robustness by system ID. */
  robustness: z.record(z.string(), z.string()).optional(),
  /** DRMSystem@HLSAllowedCPC by system ID. */
  hlsAllowedCpc: z.record(z.string(), z.string()).optional(),
});

/** SPEKE "KID override". */
const keyIdOverride = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('keep') }),
  /** UUIDv5 over tenant, content ID, track type and period. */
  z.strictObject({ mode: z.literal('deterministic') }),
  /** A configured key ID and key for each track type (`*` for all): the Widevine test server's. Never for production. */
  z.strictObject({
    mode: z.literal('fixed'),
    keys: z
      .array(
        z.strictObject({
          trackType: z.string().min(1),
          keyId,
          /** Base64 of 16 bytes. */
          key: z.string(),
        }),
      )
      .min(1),
  }),
]);

export const policySchema = z.strictObject({
  /** Refuse requests without a DeliveryDataList. */
  requireContentKeyEncryption: z.boolean().default(false),
  expiredCertificates: z.enum(['refuse', 'warn']).default('refuse'),
  /** DRM systems that this tenant may ask for; absent: all that are answered. */
  drmSystems: z.array(systemId).optional(),
  /** Protection schemes that a DRM system takes, by system ID, in place of MediaPackage's table. */
  schemes: z.record(systemId, z.array(z.enum(PROTECTION_SCHEMES)).min(1)).optional(),
  /** Answer "Requested CPIX encryption contract not supported" when one key serves UHD video and audio. */
  refuseSharedUhdKey: z.boolean().default(false),
  keyIdOverride: keyIdOverride.default({ mode: 'keep' }),
  tracks: z.array(trackPolicy).default([]),
});
export type TenantPolicy = z.infer<typeof policySchema>;
