import { NAMESPACES } from './namespaces';
import { childElements, type XmlElement } from './xml-element';

export interface StructureFault {
  readonly kind: 'UNEXPECTED_ELEMENT' | 'DUPLICATE_ELEMENT' | 'UNEXPECTED_TEXT';
  readonly element: XmlElement;
}

/** The lists of a CPIX document; of one that stands twice, the first. */
export interface CpixLists {
  readonly deliveryDataList?: XmlElement | undefined;
  readonly contentKeyList?: XmlElement | undefined;
  readonly drmSystemList?: XmlElement | undefined;
  readonly contentKeyPeriodList?: XmlElement | undefined;
  readonly contentKeyUsageRuleList?: XmlElement | undefined;
}

export function isCpixRoot(root: XmlElement): boolean {
  return root.name === 'CPIX' && root.namespace === NAMESPACES.cpix;
}

export function listsOf(root: XmlElement): CpixLists {
  const list = (name: string) => childElements(root, NAMESPACES.cpix, name)[0];
  return {
    deliveryDataList: list('DeliveryDataList'),
    contentKeyList: list('ContentKeyList'),
    drmSystemList: list('DRMSystemList'),
    contentKeyPeriodList: list('ContentKeyPeriodList'),
    contentKeyUsageRuleList: list('ContentKeyUsageRuleList'),
  };
}

/** Children in CPIX's own namespace, those of a list. */
export function membersOf(list: XmlElement | undefined, name: string): XmlElement[] {
  return list ? childElements(list, NAMESPACES.cpix, name) : [];
}

/**
 * What CPIX's schemas (2.0 to 2.4 together) have no room for, in document order. The order of elements is not looked at,
 * since the encryptors' own examples do not keep it; elements of other namespaces are welcome everywhere.
 */
export function structureFaults(root: XmlElement): StructureFault[] {
  const found: StructureFault[] = [];
  inspect(root, found);
  return found;
}

type Occurrence = 'one' | 'many';
type ContentModel = ReadonlyMap<string, Occurrence> | 'any';

const CONTENT: Readonly<Record<string, Readonly<Record<string, Occurrence>> | 'any'>> = {
  CPIX: {
    DeliveryDataList: 'one',
    ContentKeyList: 'one',
    DRMSystemList: 'one',
    ContentKeyPeriodList: 'one',
    ContentKeyUsageRuleList: 'one',
    UpdateHistoryItemList: 'one',
  },
  DeliveryDataList: { DeliveryData: 'many' },
  DeliveryData: {
    DeliveryKey: 'one',
    DocumentKey: 'many',
    MACMethod: 'one',
    Description: 'one',
    SendingEntity: 'one',
    SenderPointOfContact: 'one',
    ReceivingEntity: 'one',
  },
  DeliveryKey: {},
  ContentKeyList: { ContentKey: 'many' },
  ContentKey: {
    HDCPData: 'one',
    Issuer: 'one',
    AlgorithmParameters: 'one',
    KeyProfileId: 'one',
    KeyReference: 'one',
    FriendlyName: 'one',
    Data: 'one',
    UserId: 'one',
    Policy: 'one',
    Extensions: 'many',
  },
  HDCPData: { HDCPOutputProtectionData: 'one' },
  DRMSystemList: { DRMSystem: 'many' },
  DRMSystem: {
    PSSH: 'one',
    ContentProtectionData: 'one',
    URIExtXKey: 'one',
    // Two at most, one for each playlist: whoever reads the attribute counts them.
    HLSSignalingData: 'many',
    SmoothStreamingProtectionHeaderData: 'one',
    HDSSignalingData: 'one',
  },
  ContentKeyPeriodList: { ContentKeyPeriod: 'many' },
  ContentKeyPeriod: {},
  ContentKeyUsageRuleList: { ContentKeyUsageRule: 'many' },
  // What else stands in a rule is a filter that SPEKE does not know: the encryption contract's matter.
  ContentKeyUsageRule: 'any',
};

/** Elements of text: no elements in them. */
const TEXTS = [
  'PSSH',
  'ContentProtectionData',
  'URIExtXKey',
  'HLSSignalingData',
  'SmoothStreamingProtectionHeaderData',
  'HDSSignalingData',
  'HDCPOutputProtectionData',
];
const TEXT: ContentModel = new Map<string, Occurrence>();

/** What the schemas type elsewhere (Data, DocumentKey, UpdateHistoryItemList, …) is not looked into. */
const MODELS: ReadonlyMap<string, ContentModel> = new Map<string, ContentModel>([
  ...Object.entries(CONTENT).map(([name, content]) => [name, modelOf(content)] as const),
  ...TEXTS.map((name) => [name, TEXT] as const),
]);

function modelOf(content: (typeof CONTENT)[string]): ContentModel {
  return content === 'any' ? content : new Map(Object.entries(content));
}

function inspect(element: XmlElement, found: StructureFault[]): void {
  if (element.children.length === 0) return;
  const model = MODELS.get(element.name) ?? 'any';
  if (model === 'any') return;
  const seen = new Set<string>();
  for (const child of element.children) {
    if (typeof child === 'string') inspectText(child, element, model, found);
    else if (child.namespace === NAMESPACES.cpix) inspectChild(child, model, seen, found);
    else if (model === TEXT) found.push({ kind: 'UNEXPECTED_ELEMENT', element: child });
  }
}

function inspectText(text: string, element: XmlElement, model: ContentModel, found: StructureFault[]): void {
  if (model !== TEXT && text.trim() !== '') found.push({ kind: 'UNEXPECTED_TEXT', element });
}

function inspectChild(
  child: XmlElement,
  model: Exclude<ContentModel, 'any'>,
  seen: Set<string>,
  found: StructureFault[],
): void {
  const occurrence = model.get(child.name);
  if (occurrence === undefined) return void found.push({ kind: 'UNEXPECTED_ELEMENT', element: child });
  if (occurrence === 'one') {
    if (seen.has(child.name)) found.push({ kind: 'DUPLICATE_ELEMENT', element: child });
    seen.add(child.name);
  }
  inspect(child, found);
}
