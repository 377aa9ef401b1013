import { isSystemId, SYSTEM_IDS, SYSTEM_NAMES, type KeyId, type SystemId } from '@latchkey/cenc';
import { attribute, membersOf, NAMESPACES, type XmlElement } from '@latchkey/cpix';
import type { ContentKeyElement, ContentKeys } from './content-keys';
import { DRM_SYSTEMS, FOREIGN_SYSTEM, type DrmSystem } from './drm-systems';
import type { Faults } from './faults';
import type { SpekeProfile } from './profile';
import { printable } from './rejection';
import type { ParseOptions } from './parse-options';
import { askedBy, type SignalingItem } from './signaling-items';

export interface RequestedSystem {
  readonly systemId: SystemId;
  /** In document order; `wants` lists only what means something for this system. */
  readonly keys: readonly SystemKey[];
  /** Its players get the IV with the key. */
  readonly needsExplicitIv: boolean;
}

export interface SystemKey {
  readonly keyId: KeyId;
  readonly wants: readonly SignalingItem[];
}

/** A system while its DRMSystem elements are being read. */
interface OpenSystem extends RequestedSystem {
  readonly keys: SystemKey[];
  readonly known: DrmSystem;
}

/** The systems in the order in which they first stand in the list, each with the keys that it is to signal. */
export function readDrmSystems(
  list: XmlElement,
  keys: ContentKeys,
  profile: SpekeProfile,
  options: ParseOptions,
  faults: Faults,
): readonly RequestedSystem[] {
  const systems = new Map<SystemId, OpenSystem>();
  const unknown = new Set<string>();
  const elements = membersOf(list, 'DRMSystem');
  if (elements.length === 0) faults.add('MISSING_DRM_SYSTEM_LIST', list);
  for (const element of elements) {
    const keyId = readKeyId(element, keys, faults);
    const system = readSystem(element, systems, unknown, profile, options, faults);
    const wants = system ? readWants(element, system.known, profile, faults) : [];
    if (system && keyId) addKey(element, system, { keyId, wants }, faults);
  }
  if (profile.generation === 2) checkSchemes(elements, systems, keys, faults);
  return Array.from(systems.values(), ({ systemId, keys: of, needsExplicitIv }) => {
    return { systemId, keys: of, needsExplicitIv };
  });
}

function readKeyId(element: XmlElement, keys: ContentKeys, faults: Faults): KeyId | undefined {
  const kid = attribute(element, 'kid') ?? '';
  const keyId = kid.toLowerCase() as KeyId;
  if (keys.byId.has(keyId)) return keyId;
  if (kid === '') faults.add('MISSING_DRM_SYSTEM_KID', element);
  else if (!keys.names(kid))
    faults.add('UNKNOWN_DRM_SYSTEM_KID', element, { attribute: 'kid', detail: printable(kid) });
  return undefined;
}

/** The system that the element names, known and allowed; one fault for each system, not for each of its keys. */
function readSystem(
  element: XmlElement,
  systems: Map<SystemId, OpenSystem>,
  unknown: Set<string>,
  profile: SpekeProfile,
  options: ParseOptions,
  faults: Faults,
): OpenSystem | undefined {
  const text = attribute(element, 'systemId') ?? '';
  const systemId = text.toLowerCase();
  const open = systems.get(systemId as SystemId);
  if (open || unknown.has(systemId)) return open;
  if (!isSystemId(systemId)) {
    if (text === '') faults.add('MISSING_SYSTEM_ID', element);
    else faults.add('INVALID_SYSTEM_ID', element, { attribute: 'systemId', detail: printable(text) });
    return undefined;
  }
  const found = lookUp(systemId, profile, options);
  if (typeof found !== 'string') {
    const system = { systemId, known: found, keys: [], needsExplicitIv: systemId === SYSTEM_IDS.fairplay };
    systems.set(systemId, system);
    return system;
  }
  unknown.add(systemId);
  faults.add(found, element, { attribute: 'systemId', values: { systemId: text }, detail: vendorsOwn(systemId) });
  return undefined;
}

/** Of a registered system, why it may be unknown here all the same. */
function vendorsOwn(systemId: SystemId): string | undefined {
  const name = DRM_SYSTEMS.has(systemId) ? undefined : SYSTEM_NAMES.get(systemId);
  return name && `it is ${name}, whose signaling is its vendor's own`;
}

function lookUp(
  systemId: SystemId,
  profile: SpekeProfile,
  options: ParseOptions,
): DrmSystem | 'UNKNOWN_DRM_SYSTEM' | 'DRM_SYSTEM_NOT_ALLOWED' {
  const { drmSystems: allowed } = options.policy ?? {};
  const foreign = options.foreignSystems?.includes(systemId) || allowed?.includes(systemId);
  const known = DRM_SYSTEMS.get(systemId) ?? (foreign ? FOREIGN_SYSTEM : undefined);
  if (!known || known.items[profile.generation].length === 0) return 'UNKNOWN_DRM_SYSTEM';
  if (allowed && !allowed.includes(systemId)) return 'DRM_SYSTEM_NOT_ALLOWED';
  const schemes = options.policy?.schemes?.[systemId];
  return schemes ? { ...known, schemes } : known;
}

function addKey(element: XmlElement, system: OpenSystem, key: SystemKey, faults: Faults): void {
  if (system.keys.some(({ keyId }) => keyId === key.keyId)) faults.add('DUPLICATE_DRM_SYSTEM', element);
  else system.keys.push(key);
}

/** What the placeholders ask for, without what means nothing to the system; a placeholder's own content does not matter. */
function readWants(element: XmlElement, system: DrmSystem, profile: SpekeProfile, faults: Faults): SignalingItem[] {
  const asks: SignalingItem[] = [];
  for (const child of element.children) {
    if (typeof child === 'string') continue;
    const asked = askedBy(child, profile);
    const isFirst = asked !== undefined && asked !== 'nothing' && !asks.includes(asked);
    if (isFirst) asks.push(asked);
    else if (child.name === 'HLSSignalingData' && child.namespace === NAMESPACES.cpix)
      refusePlaylist(child, asked, faults);
  }
  return asks.filter((item) => system.items[profile.generation].includes(item));
}

/** One that is none, or that another HLSSignalingData of the element has asked for. */
function refusePlaylist(element: XmlElement, asked: SignalingItem | 'nothing' | undefined, faults: Faults): void {
  const detail = printable(attribute(element, 'playlist') ?? 'none, which means media');
  const code = asked === 'nothing' ? 'INVALID_PLAYLIST' : 'DUPLICATE_PLAYLIST';
  faults.add(code, element, { attribute: 'playlist', detail });
}

/** The official text names the system, so one fault for each. */
function checkSchemes(
  elements: readonly XmlElement[],
  systems: ReadonlyMap<SystemId, OpenSystem>,
  keys: ContentKeys,
  faults: Faults,
): void {
  for (const { systemId, known, keys: signaled } of systems.values()) {
    const wrong = keyOfOtherScheme(known, signaled, keys);
    const element = wrong && elements.find((one) => attribute(one, 'systemId')?.toLowerCase() === systemId);
    if (!wrong || !element) continue;
    const values = { systemId: attribute(element, 'systemId') ?? '' };
    const detail = `the scheme is ${wrong.hlsMethod ?? wrong.scheme}`;
    faults.add('SCHEME_NOT_COMPATIBLE', element, { attribute: 'systemId', values, detail });
  }
}

/** The first of the system's keys that it cannot use. */
function keyOfOtherScheme(
  { schemes }: DrmSystem,
  signaled: readonly SystemKey[],
  keys: ContentKeys,
): ContentKeyElement | undefined {
  if (schemes === undefined) return undefined;
  for (const { keyId } of signaled) {
    const key = keys.byId.get(keyId);
    if (key?.scheme && !schemes.includes(key.scheme)) return key;
  }
  return undefined;
}
