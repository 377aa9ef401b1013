import { SYSTEM_IDS, type ProtectionScheme, type SystemId } from '@latchkey/cenc';
import type { SignalingItem } from './signaling-items';

/** What a DRM system can be asked for in SPEKE. */
export interface DrmSystem {
  /** Schemes of the keys that it can use; absent: any. */
  readonly schemes?: readonly ProtectionScheme[] | undefined;
  /** Items that mean something for it, by SPEKE generation; none: it is not known there. */
  readonly items: { readonly 1: readonly SignalingItem[]; readonly 2: readonly SignalingItem[] };
}

const HLS_1 = ['uriExtXKey', 'keyFormat', 'keyFormatVersions'] as const satisfies SignalingItem[];
const HLS_2 = ['hlsMedia', 'hlsMaster'] as const satisfies SignalingItem[];
const DASH = ['pssh', 'contentProtectionData'] as const satisfies SignalingItem[];

/** The systems that Latchkey signals. Schemes are those of MediaPackage's table; SPEKE itself leaves them to the DRM vendors. */
export const DRM_SYSTEMS: ReadonlyMap<SystemId, DrmSystem> = new Map<SystemId, DrmSystem>([
  [SYSTEM_IDS.widevine, { schemes: ['cenc', 'cbcs'], items: { 1: ['pssh'], 2: [...DASH, ...HLS_2] } }],
  [
    SYSTEM_IDS.playready,
    {
      schemes: ['cenc', 'cbcs'],
      items: { 1: ['pssh', 'smoothProtectionHeader'], 2: [...DASH, ...HLS_2, 'smoothProtectionHeader'] },
    },
  ],
  [SYSTEM_IDS.fairplay, { schemes: ['cbcs'], items: { 1: HLS_1, 2: HLS_2 } }],
  [SYSTEM_IDS.clearKeyAes128, { schemes: ['cbc1'], items: { 1: HLS_1, 2: HLS_2 } }],
  [SYSTEM_IDS.clearKeySampleAes, { schemes: ['cbcs'], items: { 1: HLS_1, 2: HLS_2 } }],
  [SYSTEM_IDS.common, { items: { 1: DASH, 2: DASH } }],
  [SYSTEM_IDS.clearKey, { items: { 1: ['contentProtectionData'], 2: ['contentProtectionData'] } }],
  // No registered ID: AWS uses it in SPEKE 1 only.
  [SYSTEM_IDS.hlsAes128, { schemes: ['cbc1'], items: { 1: HLS_1, 2: [] } }],
]);

/** A system that is another's service: it knows itself what means something to it. */
export const FOREIGN_SYSTEM: DrmSystem = {
  items: { 1: [...DASH, 'smoothProtectionHeader', ...HLS_1], 2: [...DASH, ...HLS_2, 'smoothProtectionHeader'] },
};
