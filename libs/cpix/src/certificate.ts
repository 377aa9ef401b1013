import type { KeyObject } from 'node:crypto';

/** SPEKE's recipients bring certificates of RSA keys of at least 2048 bits. */
export const MIN_RSA_BITS = 2048;

export interface RecipientCertificate {
  readonly publicKey: KeyObject;
  /** Outside its dates: by policy it may serve all the same. */
  readonly expired: boolean;
}

/**
 * Reads the base64 DER of one ds:X509Certificate; white space in it does not matter.
 * Throws CpixError CERTIFICATE_*, for dates only with `expired: 'refuse'` (the default).
 */
export function readCertificate(
  _base64: string,
  _options: { readonly expired?: 'refuse' | 'warn'; readonly now?: number } = {},
): RecipientCertificate {
  throw new Error('not there yet');
}
