import { parseSystemId, SYSTEM_IDS, type SystemId } from './system-id';

/**
 * Sources: DASH-IF's registry of content protection system IDs; AWS's SPEKE
 * documentation for 81376844; Shaka Packager for 29701fe4.
 */
const NAMES: ReadonlyArray<readonly [id: string, name: string]> = [
  [SYSTEM_IDS.widevine, 'Widevine'],
  [SYSTEM_IDS.playready, 'PlayReady'],
  [SYSTEM_IDS.fairplay, 'FairPlay'],
  [SYSTEM_IDS.common, 'W3C common PSSH box'],
  [SYSTEM_IDS.clearKey, 'DASH-IF ClearKey'],
  [SYSTEM_IDS.clearKeyAes128, 'Clear Key AES-128'],
  [SYSTEM_IDS.clearKeySampleAes, 'Clear Key SAMPLE-AES'],
  [SYSTEM_IDS.hlsAes128, 'HLS AES-128 (SPEKE 1)'],
  ['29701fe4-3cc7-4a34-8c5b-ae90c7439a47', 'FairPlay (unregistered; in CPIX use 94ce86fb-07ff-4f43-adb8-93d2fa968ca2)'],
  ['3d5e6d35-9b9a-41e8-b843-dd3c6e72c42c', 'ChinaDRM'],
  ['48582a1d-1ff4-426e-8cd5-06424fcc578c', 'NCG HLS SAMPLE-AES'],
  ['d9e4411a-e886-4909-a380-a77f28d52335', 'NCG'],
  ['5e629af5-38da-4063-8977-97ffbd9902d4', 'Marlin'],
  ['adb41c24-2dbf-4a6d-958b-4457c0d27b95', 'Nagra MediaAccess PRM 3.0'],
  ['80a6be7e-1448-4c37-9e70-d5aebe04c8d2', 'Irdeto'],
  ['9a27dd82-fde2-4725-8cbc-4234aa06ec09', 'Verimatrix VCAS'],
  ['f239e769-efa3-4850-9c16-a903c6932efb', 'Adobe Primetime DRM'],
  ['b4413586-c58c-ffb0-94a5-d4896c1af6c3', 'Viaccess-Orca'],
  ['a68129d3-575b-4f1a-9cba-3223846cf7c3', 'Synamedia VideoGuard'],
  ['793b7956-9f94-4946-a942-23e7ef7e44b4', 'VisionCrypt'],
  ['35bf197b-530e-42d7-8b65-1b4bf415070f', 'DivX DRM Series 5'],
  ['644fe7b5-260f-4fad-949a-0762ffb054b4', 'CMLA (OMA DRM)'],
  ['6dd8b3c3-45f4-4a68-bf3a-64168d01a4a6', 'ABV DRM'],
  ['616c7469-6361-7374-2d50-726f74656374', 'Alticast'],
  ['279fe473-512c-48fe-ade8-d176fee6b40f', 'Arris Titanium'],
  ['37c33258-7b99-4c7e-b15d-19af74482154', 'CommScope Titanium V3'],
  ['45d481cb-8fe0-49c0-ada9-ab2d2455b2f2', 'CoreCrypt'],
  ['dcf4e3e3-62f1-5818-7ba6-0a6fe33ff3dd', 'DigiCAP SmartXess'],
  ['6a99532d-869f-5922-9a91-113ab7b1e2f3', 'MobiTV DRM'],
  ['1f83e1e8-6ee9-4f0d-ba2f-5ec4e3ed1a66', 'SecureMedia'],
  ['992c46e6-c437-4899-b6a0-50fa91ad0e39', 'SteelKnot'],
  ['aa11967f-cc01-4a4a-8e99-c5d3dddfea2d', 'Unitend DRM'],
];

/** Content protection systems by system ID. */
export const SYSTEM_NAMES: ReadonlyMap<SystemId, string> = new Map(
  NAMES.map(([id, name]) => [parseSystemId(id), name]),
);
