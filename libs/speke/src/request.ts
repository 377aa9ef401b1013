import type { KeyId, ProtectionScheme } from '@latchkey/cenc';
import {
  attribute,
  isCpixRoot,
  listsOf,
  parseXml,
  structureFaults,
  type DocumentLimits,
  type XmlElement,
} from '@latchkey/cpix';
import { readContentKeys, type ContentKeyElement } from './content-keys';
import { readEncryptionContract, readUsageRules, type KeyUsage } from './encryption-contract';
import { readDrmSystems, type RequestedSystem } from './drm-system-list';
import { Faults, refusalOf } from './faults';
import { readKeyPeriods, type KeyPeriod } from './key-periods';
import type { ParseOptions } from './parse-options';
import { PROFILES, type SpekeProfile } from './profile';
import type { HlsMethod } from './protection-scheme';
import { readRecipients, refuseMisplacedDeliveryData } from './recipients';
import { SpekeRejection, type SpekeFault } from './rejection';
import type { SpekeVersion } from './speke-version';

export interface RequestedKey {
  readonly keyId: KeyId;
  readonly scheme?: ProtectionScheme | undefined;
  /** SPEKE 2.1: the HLS method that stood in place of the scheme; `scheme` is what it means. */
  readonly hlsMethod?: HlsMethod | undefined;
  /** Canonical base64 of 16 bytes. */
  readonly explicitIv?: string | undefined;
  /** The answer must carry an IV: FairPlay's player gets it with the key, and cbcs has a constant one. */
  readonly needsExplicitIv: boolean;
  readonly period?: KeyPeriod | undefined;
  readonly intendedTrackType?: string | undefined;
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
  readonly recipients?: readonly string[] | undefined;
  /** What is worth a log line but no refusal: an expired certificate under the policy `warn`. */
  readonly warnings: readonly SpekeFault[];
  /** The document as it came; the answer is made of it. */
  readonly document: XmlElement;
}

/** DynamoDB's limit for what becomes part of a key, counted in bytes. */
const LONGEST_CONTENT_ID = 1_024;

/** Reads and checks a whole request. Throws SpekeRejection with all faults of the document. */
export function parseSpekeRequest(version: SpekeVersion, body: Uint8Array, options: ParseOptions = {}): SpekeRequest {
  const profile = PROFILES[version];
  const document = readDocument(version, body, options.limits);
  const faults = new Faults(version);
  const lists = listsOf(document);
  const contentId = checkHead(document, profile, faults);
  const keys = readContentKeys(lists.contentKeyList ?? document, profile, faults);
  const systems = readDrmSystems(lists.drmSystemList ?? document, keys, profile, options, faults);
  const periods = readKeyPeriods(lists.contentKeyPeriodList, profile, faults);
  const readRules = profile.generation === 1 ? readUsageRules : readEncryptionContract;
  const usage = readRules(lists.contentKeyUsageRuleList, document, keys, periods, options.policy ?? {}, faults);
  const { recipients, warnings } = readRecipients(lists.deliveryDataList, document, options, faults);
  refuseMisplacedDeliveryData(document, faults);
  for (const { kind, element } of structureFaults(document)) faults.add(kind, element);
  faults.throwIfAny();
  const requested = [...keys.byId.values()].map((key) => requestedKey(key, usage.get(key.keyId), systems));
  return { version, contentId, keys: requested, systems, recipients, warnings, document };
}

function readDocument(version: SpekeVersion, body: Uint8Array, limits: Partial<DocumentLimits> = {}): XmlElement {
  const document = parsed(version, body, limits);
  if (isCpixRoot(document)) return document;
  const { line = 1, column = 1 } = document;
  throw SpekeRejection.of('NOT_CPIX', {}, version, { place: { path: `/${document.name}`, line, column } });
}

function parsed(version: SpekeVersion, body: Uint8Array, limits: Partial<DocumentLimits>): XmlElement {
  try {
    return parseXml(body, limits);
  } catch (error) {
    throw refusalOf(error, version);
  }
}

function checkHead(document: XmlElement, profile: SpekeProfile, faults: Faults): string {
  const { attribute: name, missing } = profile.contentId;
  const contentId = attribute(document, name) ?? '';
  if (contentId.trim() === '') faults.add(missing, document);
  else if (Buffer.byteLength(contentId) <= LONGEST_CONTENT_ID) faults.contentId = contentId;
  else faults.add('CONTENT_ID_TOO_LONG', document, { attribute: name });
  if (profile.cpixVersion !== undefined) checkCpixVersion(document, profile.cpixVersion, faults);
  return contentId;
}

function checkCpixVersion(document: XmlElement, expected: string, faults: Faults): void {
  const version = attribute(document, 'version') ?? '';
  if (version === '') faults.add('MISSING_CPIX_VERSION', document);
  else if (version !== expected) {
    faults.add('UNSUPPORTED_CPIX_VERSION', document, {
      attribute: 'version',
      detail: `SPEKE ${faults.version} goes with CPIX ${expected}`,
    });
  }
}

const NO_USAGE: KeyUsage = { period: undefined, intendedTrackType: undefined };

function requestedKey(
  key: ContentKeyElement,
  usage: KeyUsage | undefined,
  systems: readonly RequestedSystem[],
): RequestedKey {
  const { keyId, scheme, hlsMethod, explicitIv } = key;
  const needsExplicitIv =
    scheme === 'cbcs' ||
    systems.some((system) => system.needsExplicitIv && system.keys.some((one) => one.keyId === keyId));
  const { period, intendedTrackType } = usage ?? NO_USAGE;
  return { keyId, scheme, hlsMethod, explicitIv, needsExplicitIv, period, intendedTrackType };
}
