import { X509Certificate, type KeyObject } from 'node:crypto';
import { CpixError, type CpixErrorCode } from './error';

/** SPEKE's recipients bring certificates of RSA keys of at least 2048 bits. */
export const MIN_RSA_BITS = 2048;

export interface RecipientCertificate {
  readonly publicKey: KeyObject;
  /** Outside its dates: by policy it may serve all the same. */
  readonly outOfDate?: 'expired' | 'not yet valid';
}

export interface CertificateOptions {
  /** What becomes of a certificate outside its dates: refused (the default), or only marked. */
  readonly expired?: 'refuse' | 'warn' | undefined;
  /** Epoch milliseconds. */
  readonly now?: number | undefined;
}

/**
 * Reads the base64 DER of one ds:X509Certificate; white space in it does not matter.
 * Throws CpixError CERTIFICATE_*, for dates only with `expired: 'refuse'`.
 */
export function readCertificate(base64: string, options: CertificateOptions = {}): RecipientCertificate {
  const { publicKey, validFrom, validTo } = known(base64);
  const now = options.now ?? Date.now();
  if (now >= validFrom && now <= validTo) return { publicKey };
  const outOfDate = now > validTo ? 'expired' : 'not yet valid';
  if (options.expired === 'warn') return { publicKey, outOfDate };
  throw outOfDate === 'expired'
    ? unusable('CERTIFICATE_EXPIRED', `it was valid until ${new Date(validTo).toISOString()}`)
    : unusable('CERTIFICATE_NOT_YET_VALID', `it is valid from ${new Date(validFrom).toISOString()}`);
}

interface UsableCertificate {
  readonly publicKey: KeyObject;
  readonly validFrom: number;
  readonly validTo: number;
}

/** An encryptor brings the same certificate with every request, and reading one costs as much as all else of it. */
const KNOWN = new Map<string, UsableCertificate>();
const MOST_KNOWN = 256;

function known(base64: string): UsableCertificate {
  const before = KNOWN.get(base64);
  if (before) return before;
  const certificate = decode(base64);
  const { validFrom, validTo } = certificate;
  const usable = {
    publicKey: encryptingKey(certificate),
    validFrom: Date.parse(validFrom),
    validTo: Date.parse(validTo),
  };
  if (KNOWN.size >= MOST_KNOWN) KNOWN.delete(KNOWN.keys().next().value as string);
  KNOWN.set(base64, usable);
  return usable;
}

function decode(base64: string): X509Certificate {
  if (base64.includes('-----')) throw unusable('CERTIFICATE_UNREADABLE', 'it is PEM, with the lines around the base64');
  const text = base64.replace(/[ \t\r\n]/g, '');
  if (text === '') throw unusable('CERTIFICATE_UNREADABLE', 'it is empty');
  if (!BASE64.test(text)) throw unusable('CERTIFICATE_UNREADABLE', 'it is not base64');
  const der = Buffer.from(text, 'base64');
  try {
    const certificate = new X509Certificate(der);
    // Bytes after the certificate would be another document than the one that was checked.
    if (certificate.raw.length === der.length) return certificate;
  } catch (cause) {
    throw isCertificateRequest(der)
      ? unusable('CERTIFICATE_IS_REQUEST', 'it is a request for a certificate (PKCS #10), not a certificate', cause)
      : unusable('CERTIFICATE_UNREADABLE', 'its bytes are not one X.509 certificate in DER', cause);
  }
  throw unusable('CERTIFICATE_UNREADABLE', 'bytes follow the certificate');
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

function encryptingKey(certificate: X509Certificate): KeyObject {
  const publicKey = publicKeyOf(certificate);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey;
  // Also id-RSASSA-PSS: such a key may only sign.
  if (type !== 'rsa') throw unusable('CERTIFICATE_NOT_RSA', `its key is ${type ?? 'of another kind'}`);
  const bits = details?.modulusLength ?? 0;
  if (bits < MIN_RSA_BITS) throw unusable('CERTIFICATE_WEAK', `its RSA key has ${bits} bits`);
  // With the exponent 1 the "ciphertext" is the padded key itself.
  if ((details?.publicExponent ?? 0n) < 3n) throw unusable('CERTIFICATE_WEAK', 'its RSA exponent is below 3');
  return publicKey;
}

function publicKeyOf(certificate: X509Certificate): KeyObject {
  try {
    return certificate.publicKey;
  } catch (cause) {
    throw unusable('CERTIFICATE_UNREADABLE', 'its public key cannot be read', cause);
  }
}

/** RFC 2986: a sequence whose first part begins with version 0 and then a name; in a version 1 certificate a name comes later. */
function isCertificateRequest(der: Buffer): boolean {
  const outer = contentOf(der);
  const info = outer && contentOf(outer);
  if (!info || info[0] !== 0x02 || info[1] !== 1 || info[2] !== 0) return false;
  const name = contentOf(info.subarray(3));
  return name !== undefined && (name.length === 0 || name[0] === 0x31);
}

/** The content of a DER SEQUENCE, however long it says it is. */
function contentOf(der: Buffer): Buffer | undefined {
  const length = der[1];
  if (der[0] !== 0x30 || length === undefined) return undefined;
  if (length < 0x80) return der.subarray(2, 2 + length);
  return der.subarray(2 + (length & 0x7f));
}

function unusable(code: CpixErrorCode, why: string, cause?: unknown): CpixError {
  return new CpixError(code, why, undefined, { cause });
}
