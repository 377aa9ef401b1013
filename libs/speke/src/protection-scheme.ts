import { isProtectionScheme, type ProtectionScheme } from '@latchkey/cenc';
import type { SpekeProfile } from './profile';

export const HLS_METHODS = ['AES-128', 'SAMPLE-AES', 'SAMPLE-AES-CTR'] as const;
/** METHOD of EXT-X-KEY. */
export type HlsMethod = (typeof HLS_METHODS)[number];

/** ContentKey@commonEncryptionScheme: a scheme, or in SPEKE 2.1 the HLS method that means one. */
export interface KeyScheme {
  readonly scheme: ProtectionScheme;
  readonly hlsMethod?: HlsMethod;
}

const SCHEME_OF_METHOD: Readonly<Record<HlsMethod, ProtectionScheme>> = {
  // Whole segments, not samples; MediaPackage calls it cbc1.
  'AES-128': 'cbc1',
  'SAMPLE-AES': 'cbcs',
  'SAMPLE-AES-CTR': 'cenc',
};

export function parseScheme(text: string, profile: SpekeProfile): KeyScheme | undefined {
  if (isProtectionScheme(text)) return { scheme: text };
  const hlsMethod = profile.hlsMethods ? HLS_METHODS.find((method) => method === text) : undefined;
  return hlsMethod && { scheme: SCHEME_OF_METHOD[hlsMethod], hlsMethod };
}
