import type { FaultCode } from './catalogue';
import type { SpekeVersion } from './speke-version';

/** What differs from one SPEKE version to the next. */
export interface SpekeProfile {
  /** 1: signaling in URIExtXKey and speke:*; 2: in HLSSignalingData. */
  readonly generation: 1 | 2;
  /** The attribute of CPIX that is the content ID, and what its absence is called. */
  readonly contentId: { readonly attribute: 'id' | 'contentId'; readonly missing: FaultCode };
  /** CPIX@version; SPEKE 1 has none. */
  readonly cpixVersion?: string;
  /** HLS method names may stand in commonEncryptionScheme. */
  readonly hlsMethods: boolean;
  /** HDCPData, robustness and HLSAllowedCPC may be answered. */
  readonly outputPolicy: boolean;
}

const SPEKE_2 = {
  generation: 2,
  contentId: { attribute: 'contentId', missing: 'MISSING_CONTENT_ID' },
  cpixVersion: '2.3',
  hlsMethods: false,
  outputPolicy: false,
} as const satisfies SpekeProfile;

export const PROFILES: Readonly<Record<SpekeVersion, SpekeProfile>> = {
  '1.0': {
    generation: 1,
    contentId: { attribute: 'id', missing: 'MISSING_ID' },
    hlsMethods: false,
    outputPolicy: false,
  },
  '2.0': SPEKE_2,
  '2.1': { ...SPEKE_2, cpixVersion: '2.4', hlsMethods: true, outputPolicy: true },
};
