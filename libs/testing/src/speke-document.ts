/** A content key to ask for. */
export interface WantedKey {
  readonly keyId: string;
  /** SPEKE 2; `cenc` if absent. */
  readonly scheme?: string;
  /** Base64. */
  readonly explicitIv?: string;
  /** SPEKE 2; VIDEO if absent. */
  readonly trackType?: string;
  /** The filters of its usage rule; one VideoFilter if absent. */
  readonly filters?: readonly string[];
}

/** A DRM system to ask for; `items` are element names such as `PSSH` or `HLSSignalingData`. */
export interface WantedSystem {
  readonly systemId: string;
  /** For these keys; for every key if absent. */
  readonly keyIds?: readonly string[];
  readonly items: readonly string[];
}

export interface DocumentWish {
  readonly version: '1.0' | '2.0' | '2.1';
  readonly contentId: string;
  readonly keys: readonly WantedKey[];
  readonly systems: readonly WantedSystem[];
  readonly period?: { readonly index: number; readonly start?: string; readonly end?: string };
  /** Base64 DER of the recipients. */
  readonly certificates?: readonly string[];
}

/** What AWS's encryptors ask of each system, in SPEKE 2. */
export const SPEKE_2_SYSTEMS = {
  widevine: {
    systemId: 'edef8ba9-79d6-4ace-a3c8-27dcd51d21ed',
    items: ['PSSH', 'ContentProtectionData', 'HLSSignalingData'],
  },
  playready: {
    systemId: '9a04f079-9840-4286-ab92-e65be0885f95',
    items: ['PSSH', 'ContentProtectionData', 'HLSSignalingData', 'SmoothStreamingProtectionHeaderData'],
  },
  fairplay: { systemId: '94ce86fb-07ff-4f43-adb8-93d2fa968ca2', items: ['HLSSignalingData'] },
  clearKeyAes128: { systemId: '3ea8778f-7742-4bf9-b18b-e834b2acbd47', items: ['HLSSignalingData'] },
} as const satisfies Record<string, WantedSystem>;

/** The same in SPEKE 1. */
export const SPEKE_1_SYSTEMS = {
  widevine: { systemId: 'edef8ba9-79d6-4ace-a3c8-27dcd51d21ed', items: ['PSSH'] },
  playready: { systemId: '9a04f079-9840-4286-ab92-e65be0885f95', items: ['PSSH', 'speke:ProtectionHeader'] },
  fairplay: {
    systemId: '94ce86fb-07ff-4f43-adb8-93d2fa968ca2',
    items: ['URIExtXKey', 'speke:KeyFormat', 'speke:KeyFormatVersions'],
  },
  hlsAes128: {
    systemId: '81376844-f976-481e-a84e-cc25d39b0b33',
    items: ['URIExtXKey', 'speke:KeyFormat', 'speke:KeyFormatVersions'],
  },
} as const satisfies Record<string, WantedSystem>;

const CPIX_VERSIONS = { '1.0': undefined, '2.0': '2.3', '2.1': '2.4' } as const;
const PERIOD = 'keyPeriod_1';

/** A request document, written by hand so that it owes nothing to the code under test. */
export function spekeDocument(wish: DocumentWish): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<cpix:CPIX ${rootAttributes(wish)}>`,
    ...deliveryData(wish.certificates),
    ...inList(
      'ContentKeyList',
      wish.keys.map((key) => contentKey(key, wish)),
    ),
    ...inList(
      'DRMSystemList',
      wish.systems.flatMap((system) => keysOf(system, wish).map((key) => drmSystem(system, key))),
    ),
    ...periods(wish),
    ...usageRules(wish),
    '</cpix:CPIX>',
  ].join('\n');
}

function rootAttributes({ version, contentId }: DocumentWish): string {
  const id = version === '1.0' ? `id="${escape(contentId)}"` : `contentId="${escape(contentId)}"`;
  const cpix = CPIX_VERSIONS[version];
  return [
    id,
    ...(cpix ? [`version="${cpix}"`] : []),
    'xmlns:cpix="urn:dashif:org:cpix"',
    'xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc"',
    'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"',
    ...(version === '1.0' ? ['xmlns:speke="urn:aws:amazon:com:speke"'] : []),
  ].join(' ');
}

function deliveryData(certificates: readonly string[] = []): string[] {
  if (certificates.length === 0) return [];
  return inList(
    'DeliveryDataList',
    certificates.map(
      (certificate, at) =>
        `<cpix:DeliveryData id="recipient${at}"><cpix:DeliveryKey><ds:X509Data><ds:X509Certificate>${certificate}` +
        '</ds:X509Certificate></ds:X509Data></cpix:DeliveryKey></cpix:DeliveryData>',
    ),
  );
}

function contentKey({ keyId, scheme = 'cenc', explicitIv }: WantedKey, { version }: DocumentWish): string {
  const schemeText = version === '1.0' ? '' : ` commonEncryptionScheme="${scheme}"`;
  const iv = explicitIv ? ` explicitIV="${explicitIv}"` : '';
  return `<cpix:ContentKey kid="${keyId}"${schemeText}${iv}/>`;
}

function keysOf({ keyIds }: WantedSystem, { keys }: DocumentWish): readonly WantedKey[] {
  return keyIds ? keys.filter(({ keyId }) => keyIds.includes(keyId)) : keys;
}

function drmSystem({ systemId, items }: WantedSystem, { keyId }: WantedKey): string {
  return `<cpix:DRMSystem kid="${keyId}" systemId="${systemId}">${items.map(placeholder).join('')}</cpix:DRMSystem>`;
}

function placeholder(item: string): string {
  if (item === 'HLSSignalingData') {
    return '<cpix:HLSSignalingData playlist="media"/><cpix:HLSSignalingData playlist="master"/>';
  }
  return item.includes(':') ? `<${item}/>` : `<cpix:${item}/>`;
}

function periods({ period }: DocumentWish): string[] {
  if (!period) return [];
  const times = [
    ...(period.start ? [` start="${period.start}"`] : []),
    ...(period.end ? [` end="${period.end}"`] : []),
  ].join('');
  return inList('ContentKeyPeriodList', [`<cpix:ContentKeyPeriod id="${PERIOD}" index="${period.index}"${times}/>`]);
}

function usageRules(wish: DocumentWish): string[] {
  if (wish.version === '1.0' && !wish.period) return [];
  return inList(
    'ContentKeyUsageRuleList',
    wish.keys.map((key) => usageRule(key, wish)),
  );
}

function usageRule({ keyId, trackType = 'VIDEO', filters }: WantedKey, { version, period }: DocumentWish): string {
  const periodFilter = period ? `<cpix:KeyPeriodFilter periodId="${PERIOD}"/>` : '';
  if (version === '1.0') return `<cpix:ContentKeyUsageRule kid="${keyId}">${periodFilter}</cpix:ContentKeyUsageRule>`;
  const body = periodFilter + (filters ?? ['<cpix:VideoFilter/>']).join('');
  return `<cpix:ContentKeyUsageRule kid="${keyId}" intendedTrackType="${trackType}">${body}</cpix:ContentKeyUsageRule>`;
}

function inList(name: string, items: readonly string[]): string[] {
  return [`<cpix:${name}>`, ...items, `</cpix:${name}>`];
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
