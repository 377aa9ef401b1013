import type { SystemId } from '@latchkey/cenc';
import { z } from 'zod';
import { shortText } from './at-once';
import { defineRequest } from './contract';
import { base64, contentId, keyId, keyPeriod, protectionScheme, spekeVersion, systemId, tenantId } from './fields';

/** What a request can ask a DRM system to say, one name for each CPIX or SPEKE 1 element. */
export const SIGNALING_ITEMS = [
  /** cpix:PSSH: base64 of the whole box. */
  'pssh',
  /** cpix:ContentProtectionData: base64 of the inner elements of DASH's ContentProtection, UTF-8, no BOM. */
  'contentProtectionData',
  /** cpix:HLSSignalingData playlist="media" and playlist="master": base64 of UTF-8 playlist lines. */
  'hlsMedia',
  'hlsMaster',
  /** cpix:SmoothStreamingProtectionHeaderData and speke:ProtectionHeader: base64 of the PlayReady Object, once. */
  'smoothProtectionHeader',
  /** cpix:URIExtXKey, speke:KeyFormat, speke:KeyFormatVersions: base64 of the attribute's text (SPEKE 1). */
  'uriExtXKey',
  'keyFormat',
  'keyFormatVersions',
] as const;
export const signalingItem = z.enum(SIGNALING_ITEMS);
export type SignalingItem = z.infer<typeof signalingItem>;

export const keyToSignal = z.object({
  keyId,
  scheme: protectionScheme.optional(),
  /** SPEKE 2.1: the HLS method that stood in place of the scheme. */
  hlsMethod: z.enum(['AES-128', 'SAMPLE-AES', 'SAMPLE-AES-CTR']).optional(),
  explicitIv: base64.optional(),
  /** PlayReady's CHECKSUM, 8 bytes; only PlayReady is given it. */
  checksum: base64.optional(),
  period: keyPeriod.optional(),
  intendedTrackType: shortText(256).optional(),
  wants: z.array(signalingItem).max(SIGNALING_ITEMS.length),
});
export type KeyToSignal = z.infer<typeof keyToSignal>;

/** One entry for each item asked that means something for the system; what means nothing is left out. */
export const keySignaling = z.object({
  keyId,
  pssh: base64.optional(),
  contentProtectionData: base64.optional(),
  hlsMedia: base64.optional(),
  hlsMaster: base64.optional(),
  smoothProtectionHeader: base64.optional(),
  uriExtXKey: base64.optional(),
  keyFormat: base64.optional(),
  keyFormatVersions: base64.optional(),
});
export type KeySignaling = z.infer<typeof keySignaling>;

const signalingRequest = z.object({
  tenant: tenantId,
  contentId,
  systemId,
  spekeVersion,
  /** All key IDs of the document that this system signals, for boxes that list them. */
  keys: z.array(keyToSignal).min(1).max(64),
});
const signalingReply = z.object({
  /** In the order asked. */
  keys: z.array(keySignaling),
  /**
   * Names the settings that the answer was made from. Whoever knows the tenant by the same settings may give it again to whoever asks
   * the same, for a while; without it an answer is for once.
   */
  settings: shortText(64, 0, 'names the settings that the answer was made from').optional(),
});
export type SignalingRequest = z.infer<typeof signalingRequest>;
export type SignalingReply = z.infer<typeof signalingReply>;

/**
 * A DRM system is a service on a subject. One that nobody answers for is known at once (no responders): it is down, and
 * the encryptor is told to come again; a system that cannot do the scheme answers UNSUPPORTED_SCHEME.
 */
export function signalingFor(system: SystemId) {
  return defineRequest({
    subject: `signaling.v1.${system}`,
    timeoutMs: 1_000,
    request: signalingRequest,
    reply: signalingReply,
  });
}
