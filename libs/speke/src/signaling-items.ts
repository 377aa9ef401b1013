import { attribute, NAMESPACES, type XmlElement } from '@latchkey/cpix';
import type { SpekeProfile } from './profile';

/** What a request can ask a DRM system to say: one name for each CPIX or SPEKE 1 element, as on the bus. */
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

/**
 * What a child of DRMSystem asks for. `nothing`: a placeholder that asks for what nobody says any more, or for a playlist
 * that is none; undefined: no placeholder at all, so it is echoed.
 */
export function askedBy(element: XmlElement, { generation }: SpekeProfile): SignalingItem | 'nothing' | undefined {
  if (element.namespace === NAMESPACES.speke) {
    return (generation === 1 && SPEKE_1_ELEMENTS.get(element.name)) || 'nothing';
  }
  if (element.namespace !== NAMESPACES.cpix) return undefined;
  return element.name === 'HLSSignalingData' ? askedForPlaylist(element) : CPIX_ELEMENTS.get(element.name);
}

const CPIX_ELEMENTS: ReadonlyMap<string, SignalingItem | 'nothing'> = new Map([
  ['PSSH', 'pssh'],
  ['ContentProtectionData', 'contentProtectionData'],
  ['URIExtXKey', 'uriExtXKey'],
  ['SmoothStreamingProtectionHeaderData', 'smoothProtectionHeader'],
  ['HDSSignalingData', 'nothing'],
]);

const SPEKE_1_ELEMENTS: ReadonlyMap<string, SignalingItem> = new Map([
  ['ProtectionHeader', 'smoothProtectionHeader'],
  ['KeyFormat', 'keyFormat'],
  ['KeyFormatVersions', 'keyFormatVersions'],
]);

const PLAYLISTS: ReadonlyMap<string, SignalingItem> = new Map([
  ['media', 'hlsMedia'],
  ['master', 'hlsMaster'],
  // CPIX 2.4's name for the same.
  ['multiVariant', 'hlsMaster'],
]);

/** Without @playlist it is the media playlist (CPIX 2.3, HLSSignalingData). */
function askedForPlaylist(element: XmlElement): SignalingItem | 'nothing' {
  return PLAYLISTS.get(attribute(element, 'playlist') ?? 'media') ?? 'nothing';
}
