/** ISO/IEC 23001-7, 10: the four protection schemes, by their four-character codes. */
export const PROTECTION_SCHEMES = ['cenc', 'cens', 'cbc1', 'cbcs'] as const;

export type ProtectionScheme = (typeof PROTECTION_SCHEMES)[number];

export function isProtectionScheme(value: unknown): value is ProtectionScheme {
  return (PROTECTION_SCHEMES as readonly unknown[]).includes(value);
}

/** The four-character code as a big-endian uint32, as in `schm` boxes and in Widevine's pssh data. */
export function protectionSchemeCode(scheme: ProtectionScheme): number {
  return Buffer.from(scheme, 'ascii').readUInt32BE();
}
