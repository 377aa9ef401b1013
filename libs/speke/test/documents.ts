/** Key IDs to write documents with. */
export const KIDS = [1, 2, 3, 4, 5].map((n) => `${String(n).repeat(8)}-0000-4000-8000-000000000000`);
export const WIDEVINE = 'edef8ba9-79d6-4ace-a3c8-27dcd51d21ed';
export const PLAYREADY = '9a04f079-9840-4286-ab92-e65be0885f95';
export const FAIRPLAY = '94ce86fb-07ff-4f43-adb8-93d2fa968ca2';
export const CLEAR_KEY_AES_128 = '3ea8778f-7742-4bf9-b18b-e834b2acbd47';

export interface DocumentParts {
  readonly version?: '2.0' | '2.1';
  /** Attributes of the root besides its namespaces. */
  readonly root?: string;
  readonly namespaces?: string;
  readonly scheme?: string;
  readonly kids?: readonly string[];
  readonly deliveryDataList?: string;
  readonly contentKeyList?: string;
  readonly drmSystemList?: string;
  readonly periodList?: string;
  readonly usageRuleList?: string;
  readonly more?: string;
}

const NAMESPACES = 'xmlns:cpix="urn:dashif:org:cpix" xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc"';

/** A good SPEKE 2 document for VIDEO and AUDIO under Widevine, but for the parts that are given. */
export function document(parts: DocumentParts = {}): string {
  const { kids = KIDS.slice(0, 2), scheme = 'cenc', version = '2.0' } = parts;
  const cpixVersion = version === '2.1' ? '2.4' : '2.3';
  const root = parts.root ?? `contentId="film-1" version="${cpixVersion}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<cpix:CPIX ${root} ${NAMESPACES} ${parts.namespaces ?? ''}>
  ${parts.deliveryDataList ?? ''}
  ${
    parts.contentKeyList ??
    list(
      'ContentKeyList',
      kids.map((kid) => contentKey(kid, scheme)),
    )
  }
  ${
    parts.drmSystemList ??
    list(
      'DRMSystemList',
      kids.map((kid) => drmSystem(kid, WIDEVINE)),
    )
  }
  ${parts.periodList ?? ''}
  ${
    parts.usageRuleList ??
    list(
      'ContentKeyUsageRuleList',
      kids.map((kid, at) => (at === 0 ? rule(kid, 'VIDEO', video()) : rule(kid, 'AUDIO', audio()))),
    )
  }
  ${parts.more ?? ''}
</cpix:CPIX>`;
}

/** The same with these rules, a key for each. */
export function contract(rules: readonly string[], periods: readonly string[] = []): string {
  const kids = KIDS.slice(0, rules.length);
  const periodList = periods.length > 0 ? list('ContentKeyPeriodList', periods) : '';
  return document({ kids, usageRuleList: list('ContentKeyUsageRuleList', rules), periodList });
}

export function list(name: string, members: readonly string[]): string {
  return `<cpix:${name}>${members.join('')}</cpix:${name}>`;
}

export function contentKey(kid: string, scheme = 'cenc', more = '', children = ''): string {
  return `<cpix:ContentKey kid="${kid}" commonEncryptionScheme="${scheme}" ${more}>${children}</cpix:ContentKey>`;
}

export const ASKS =
  '<cpix:PSSH/><cpix:ContentProtectionData/><cpix:HLSSignalingData playlist="media"/><cpix:HLSSignalingData playlist="master"/>';

export function drmSystem(kid: string, systemId: string, children = ASKS, more = ''): string {
  return `<cpix:DRMSystem kid="${kid}" systemId="${systemId}" ${more}>${children}</cpix:DRMSystem>`;
}

export function rule(kid: string, trackType: string, filters: string, periodId?: string): string {
  const period = periodId === undefined ? '' : `<cpix:KeyPeriodFilter periodId="${periodId}"/>`;
  return `<cpix:ContentKeyUsageRule kid="${kid}" intendedTrackType="${trackType}">${period}${filters}</cpix:ContentKeyUsageRule>`;
}

export function video(attributes = ''): string {
  return `<cpix:VideoFilter ${attributes}/>`;
}

export function audio(attributes = ''): string {
  return `<cpix:AudioFilter ${attributes}/>`;
}

export function period(id: string, index: string, more = ''): string {
  return `<cpix:ContentKeyPeriod id="${id}" index="${index}" ${more}/>`;
}

export function recipient(certificate: string, id = 'r'): string {
  return `<cpix:DeliveryData id="${id}"><cpix:DeliveryKey><ds:X509Data xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></cpix:DeliveryKey></cpix:DeliveryData>`;
}
