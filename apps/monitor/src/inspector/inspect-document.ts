import { X509Certificate } from 'node:crypto';
import {
  attribute,
  childElements,
  CpixError,
  listsOf,
  membersOf,
  NAMESPACES,
  parseXml,
  placeOf,
  textOf,
  type XmlElement,
} from '@latchkey/cpix';
import { drmSystemName } from '@latchkey/signaling';
import { CATALOGUE, parseSpekeRequest, SpekeRejection, type SpekeVersion } from '@latchkey/speke';
import { isSystemId } from '@latchkey/cenc';
import { decodePlayReadyObject, decodePssh, decodeText, type Decoded, type Decoder } from './decode-signaling';
import { maskSecrets } from './mask-secrets';

export interface InspectedFault {
  readonly code: string;
  readonly text: string;
  readonly detail?: string | undefined;
  /** What helps, from the error catalogue. */
  readonly fix?: string | undefined;
  readonly path?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

export interface InspectedItem {
  /** The element, e.g. `PSSH` or `HLSSignalingData (media)`. */
  readonly name: string;
  readonly line: number;
  readonly decoded: Decoded;
  readonly fault?: string;
}

export interface InspectedKey {
  readonly keyId: string;
  readonly scheme: string | undefined;
  readonly explicitIv: boolean;
  /** Never what it is: only whether it is there. */
  readonly key: 'none' | 'clear (masked)' | 'encrypted';
  readonly periods: readonly string[];
  readonly trackType: string | undefined;
}

export interface Inspection {
  readonly version: SpekeVersion;
  readonly kind: 'request' | 'answer';
  readonly contentId: string | undefined;
  readonly faults: readonly InspectedFault[];
  readonly keys: readonly InspectedKey[];
  readonly systems: readonly {
    readonly systemId: string;
    readonly name: string | undefined;
    readonly keyId: string | undefined;
    readonly items: readonly InspectedItem[];
  }[];
  readonly periods: readonly Readonly<Record<string, string>>[];
  readonly recipients: readonly {
    readonly subject: string;
    readonly validTo: string;
    readonly bits: number | undefined;
  }[];
  /** The document with its keys masked. */
  readonly source: string;
}

/**
 * What a CPIX document says, decoded for people, and what is wrong with it as a SPEKE request. No key leaves it.
 * `asked`: the SPEKE version it is meant for; found out if absent.
 */
export function inspectDocument(document: string, asked?: SpekeVersion): Inspection {
  const source = maskSecrets(document);
  const body = Buffer.from(document);
  let root: XmlElement;
  try {
    root = parseXml(body);
  } catch (error) {
    if (!(error instanceof CpixError)) throw error;
    return { ...NOTHING, version: asked ?? '2.0', source, faults: requestFaults(asked ?? '2.0', body) };
  }
  const version = asked ?? versionOf(root);
  const lists = listsOf(root);
  const keys = membersOf(lists.contentKeyList, 'ContentKey');
  const systems = membersOf(lists.drmSystemList, 'DRMSystem').map(inspectSystem);
  const kind = isAnswer(keys, systems) ? 'answer' : 'request';
  return {
    version,
    kind,
    contentId: attribute(root, version === '1.0' ? 'id' : 'contentId'),
    faults: requestFaults(version, body).filter(({ code }) => kind === 'request' || !OF_REQUESTS_ONLY.has(code)),
    keys: keys.map((key) => inspectKey(key, lists.contentKeyUsageRuleList)),
    systems,
    periods: membersOf(lists.contentKeyPeriodList, 'ContentKeyPeriod').map(attributesOf),
    recipients: membersOf(lists.deliveryDataList, 'DeliveryData').flatMap(certificatesOf).map(inspectCertificate),
    source,
  };
}

/** What is wrong in a request and right in its answer. */
const OF_REQUESTS_ONLY: ReadonlySet<string> = new Set(['KEY_IN_REQUEST']);

const NOTHING = { kind: 'request', contentId: undefined, keys: [], systems: [], periods: [], recipients: [] } as const;

function versionOf(root: XmlElement): SpekeVersion {
  if (attribute(root, 'contentId') === undefined && attribute(root, 'id') !== undefined) return '1.0';
  return attribute(root, 'version') === '2.4' ? '2.1' : '2.0';
}

function isAnswer(keys: readonly XmlElement[], systems: Inspection['systems']): boolean {
  return (
    keys.some((key) => keyStateOf(key) !== 'none') ||
    systems.some(({ items }) => items.some(({ decoded }) => decoded.length > 0))
  );
}

function requestFaults(version: SpekeVersion, body: Buffer): InspectedFault[] {
  try {
    parseSpekeRequest(version, body);
    return [];
  } catch (error) {
    if (!(error instanceof SpekeRejection)) throw error;
    return error.faults.map(({ code, text, detail, place }) => ({
      code,
      text,
      detail,
      fix: CATALOGUE[code].fix,
      ...place,
    }));
  }
}

function inspectKey(key: XmlElement, rules: XmlElement | undefined): InspectedKey {
  const keyId = attribute(key, 'kid') ?? '';
  const own = membersOf(rules, 'ContentKeyUsageRule').filter(
    (rule) => attribute(rule, 'kid')?.toLowerCase() === keyId.toLowerCase(),
  );
  const periods = own.flatMap((rule) => childElements(rule, NAMESPACES.cpix, 'KeyPeriodFilter'));
  return {
    keyId,
    scheme: attribute(key, 'commonEncryptionScheme'),
    explicitIv: attribute(key, 'explicitIV') !== undefined,
    key: keyStateOf(key),
    periods: periods.flatMap((filter) => attribute(filter, 'periodId') ?? []),
    trackType: own.map((rule) => attribute(rule, 'intendedTrackType')).find((type) => type !== undefined),
  };
}

function keyStateOf(key: XmlElement): InspectedKey['key'] {
  const names = new Set([...descendants(key)].map(({ name }) => name));
  if (names.has('EncryptedValue')) return 'encrypted';
  return names.has('PlainValue') ? 'clear (masked)' : 'none';
}

function* descendants(element: XmlElement): Generator<XmlElement> {
  for (const child of element.children) {
    if (typeof child === 'string') continue;
    yield child;
    yield* descendants(child);
  }
}

function inspectSystem(system: XmlElement): Inspection['systems'][number] {
  const systemId = (attribute(system, 'systemId') ?? '').toLowerCase();
  const children = system.children.filter((child): child is XmlElement => typeof child !== 'string');
  return {
    systemId,
    name: isSystemId(systemId) ? drmSystemName(systemId) : undefined,
    keyId: attribute(system, 'kid'),
    items: children.flatMap(inspectItem),
  };
}

const DECODERS: Readonly<Record<string, Decoder>> = {
  PSSH: decodePssh,
  ContentProtectionData: decodeText,
  HLSSignalingData: decodeText,
  URIExtXKey: decodeText,
  SmoothStreamingProtectionHeaderData: decodePlayReadyObject,
  ProtectionHeader: decodePlayReadyObject,
  KeyFormat: decodeText,
  KeyFormatVersions: decodeText,
};

function inspectItem(element: XmlElement): InspectedItem[] {
  const decode = DECODERS[element.name];
  if (!decode) return [];
  const playlist = attribute(element, 'playlist');
  const about = {
    name: playlist === undefined ? element.name : `${element.name} (${playlist})`,
    line: placeOf(element).line,
  };
  const text = textOf(element);
  if (text === '') return [{ ...about, decoded: [] }];
  try {
    return [{ ...about, decoded: decode(text) }];
  } catch (error) {
    return [{ ...about, decoded: [], fault: `It cannot be decoded: ${(error as Error).message}` }];
  }
}

function attributesOf(element: XmlElement): Record<string, string> {
  return Object.fromEntries(element.attributes.map(({ name, value }) => [name, value]));
}

function certificatesOf(deliveryData: XmlElement): string[] {
  const found = [...descendants(deliveryData)].filter(({ name }) => name === 'X509Certificate');
  return found.map(textOf);
}

function inspectCertificate(base64: string): Inspection['recipients'][number] {
  try {
    const { subject, validTo, publicKey } = new X509Certificate(Buffer.from(base64, 'base64'));
    const bits = publicKey.asymmetricKeyDetails?.modulusLength;
    return { subject: subject.replaceAll('\n', ', '), validTo: new Date(validTo).toISOString(), bits };
  } catch {
    return { subject: 'unreadable certificate', validTo: '', bits: undefined };
  }
}
