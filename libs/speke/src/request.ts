import type { KeyId, ProtectionScheme, SystemId } from '@latchkey/cenc';
import type { DocumentLimits, XmlElement } from '@latchkey/cpix';
import type { SpekeFault } from './rejection';
import type { SpekeVersion } from './version';

/** What a request can ask a DRM system to say: one name for each CPIX or SPEKE 1 element (as on the bus). */
export const SIGNALING_ITEMS = [
  'pssh',
  'contentProtectionData',
  'hlsMedia',
  'hlsMaster',
  'smoothProtectionHeader',
  'uriExtXKey',
  'keyFormat',
  'keyFormatVersions',
] as const;
export type SignalingItem = (typeof SIGNALING_ITEMS)[number];

export const HLS_METHODS = ['AES-128', 'SAMPLE-AES', 'SAMPLE-AES-CTR'] as const;
export type HlsMethod = (typeof HLS_METHODS)[number];

/** CPIX ContentKeyPeriod: times as the encryptor wrote them. */
export interface KeyPeriod {
  readonly index?: number;
  readonly start?: string;
  readonly end?: string;
  readonly startOffset?: string;
  readonly endOffset?: string;
}

export interface RequestedKey {
  readonly keyId: KeyId;
  readonly scheme?: ProtectionScheme;
  /** SPEKE 2.1: the HLS method that stood in place of the scheme; `scheme` is what it means. */
  readonly hlsMethod?: HlsMethod;
  /** Canonical base64 of 16 bytes. */
  readonly explicitIv?: string;
  readonly needsExplicitIv: boolean;
  readonly period?: KeyPeriod;
  readonly intendedTrackType?: string;
}

export interface RequestedSystem {
  readonly systemId: SystemId;
  /** In document order; `wants` lists only what means something for this system. */
  readonly keys: readonly { readonly keyId: KeyId; readonly wants: readonly SignalingItem[] }[];
}

export interface SpekeRequest {
  readonly version: SpekeVersion;
  /** CPIX@contentId, or CPIX@id in SPEKE 1: as written. */
  readonly contentId: string;
  /** In document order. */
  readonly keys: readonly RequestedKey[];
  /** In the order in which each first stands in the document. */
  readonly systems: readonly RequestedSystem[];
  /** Base64 DER, in document order; absent: the request brought no DeliveryDataList. */
  readonly recipients?: readonly string[];
  /** What is worth a log line but no refusal: an expired certificate under the policy `warn`. */
  readonly warnings: readonly SpekeFault[];
  /** The document as it came; the answer is made of it. */
  readonly document: XmlElement;
}

/** What a tenant allows; the names are those of its policy section. */
export interface RequestPolicy {
  readonly requireContentKeyEncryption?: boolean | undefined;
  readonly expiredCertificates?: 'refuse' | 'warn' | undefined;
  readonly drmSystems?: readonly SystemId[] | undefined;
  readonly refuseSharedUhdKey?: boolean | undefined;
}

export interface ParseOptions {
  readonly limits?: Partial<DocumentLimits>;
  readonly policy?: RequestPolicy;
  /** Epoch milliseconds, for certificates' dates. */
  readonly now?: number;
}

/** Throws SpekeRejection with all faults of the document. */
export function parseSpekeRequest(
  _version: SpekeVersion,
  _body: Uint8Array,
  _options: ParseOptions = {},
): SpekeRequest {
  throw new Error('not there yet');
}
