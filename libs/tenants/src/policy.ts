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
  trackType: z.string().min(1).describe('`*` stands for any text, e.g. `UHD*`.'),
  hdcp: z
    .strictObject({
      hlsLevel: z.enum(['NONE', 'TYPE-0', 'TYPE-1']),
      outputProtection: z.string().optional().describe('the DASH OutputProtection element, as XML text'),
    })
    .optional(),
  robustness: z.record(z.string(), z.string()).optional().describe('ContentProtectionData@robustness by system ID'),
  hlsAllowedCpc: z.record(z.string(), z.string()).optional().describe('DRMSystem@HLSAllowedCPC by system ID'),
});

/** SPEKE "KID override". */
const keyIdOverride = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('keep') }),
  z
    .strictObject({ mode: z.literal('deterministic') })
    .describe('UUIDv5 over tenant, content ID, track type and period'),
  z
    .strictObject({
      mode: z.literal('fixed'),
      keys: z
        .array(
          z.strictObject({
            trackType: z.string().min(1).describe('`*` for all'),
            keyId: keyId.describe('what is answered'),
            key: z.string().describe('base64 of 16 bytes'),
          }),
        )
        .min(1)
        .describe('one for each track type'),
    })
    .describe(
      "A configured key ID and key for each track type (`*` for all): the Widevine test server's. Never for production.",
    ),
]);

export const policySchema = z.strictObject({
  requireContentKeyEncryption: z.boolean().default(false).describe('refuse requests without a DeliveryDataList'),
  expiredCertificates: z.enum(['refuse', 'warn']).default('refuse'),
  drmSystems: z
    .array(systemId)
    .optional()
    .describe('DRM systems that this tenant may ask for; absent: all that are answered'),
  schemes: z
    .record(systemId, z.array(z.enum(PROTECTION_SCHEMES)).min(1))
    .optional()
    .describe("protection schemes that a DRM system takes, by system ID, in place of MediaPackage's table"),
  refuseSharedUhdKey: z
    .boolean()
    .default(false)
    .describe('answer "Requested CPIX encryption contract not supported" when one key serves UHD video and audio'),
  keyIdOverride: keyIdOverride.default({ mode: 'keep' }),
  tracks: z
    .array(trackPolicy)
    .default([])
    .describe("SPEKE 2.1: what a track type's key asks of outputs and of the CDM; the first rule that fits holds"),
});
export type TenantPolicy = z.infer<typeof policySchema>;
