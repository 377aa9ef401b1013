export const SPEKE_VERSIONS = ['1.0', '2.0', '2.1'] as const;
export type SpekeVersion = (typeof SPEKE_VERSIONS)[number];
