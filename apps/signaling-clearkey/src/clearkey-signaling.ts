import { encodePsshBox, SYSTEM_IDS, type KeyId, type ProtectionScheme, type SystemId } from '@latchkey/cenc';
import { Fault, type KeyToSignal, type SignalingReply, type SignalingRequest } from '@latchkey/messages';
import {
  answerItems,
  drmSystemName,
  expandUrlTemplate,
  keysInBox,
  licenseUrlElements,
  psshElement,
  schemeOf,
  whyNotSignaled,
  type DrmSignaling,
  type HlsMethod,
} from '@latchkey/signaling';
import type { TenantSignaling } from '@latchkey/tenants';

/** What is the same for all keys of a request. */
export interface ClearKeyContext {
  readonly request: SignalingRequest;
  readonly settings: TenantSignaling;
  /** What key URLs begin with, without a slash at the end. */
  readonly deliveryBaseUrl: string;
}

/**
 * What the systems without a DRM's secrets say about each key of a request: where players get the key, or which key IDs
 * there are. Throws Fault UNSUPPORTED_SCHEME, UNSUPPORTED_DRM_SYSTEM, INVALID_REQUEST.
 */
export function signalClearKey(context: ClearKeyContext): SignalingReply {
  const { request } = context;
  const system = SYSTEMS.get(request.systemId) ?? keyIdBox;
  return { keys: request.keys.map((key) => answerItems(key.keyId, key.wants, system(key, context))) };
}

type System = (key: KeyToSignal, context: ClearKeyContext) => DrmSignaling;

/** The systems that are always answered; beside them those of `keyIdBoxesFor`. */
const SYSTEMS: ReadonlyMap<SystemId, System> = new Map([
  [SYSTEM_IDS.hlsAes128, hlsKey('AES-128')],
  [SYSTEM_IDS.clearKeyAes128, hlsKey('AES-128')],
  [SYSTEM_IDS.clearKeySampleAes, hlsKey('SAMPLE-AES')],
  [SYSTEM_IDS.clearKey, licenseUrl],
  [SYSTEM_IDS.common, commonBox],
]);
export const CLEAR_KEY_SYSTEMS: readonly SystemId[] = [...SYSTEMS.keys()];

/**
 * The key under a URL: KEYFORMAT "identity". AES-128 encrypts whole segments with CBC, which SPEKE 2 writes as cbc1;
 * SAMPLE-AES is cbcs. SPEKE 1 says no scheme: the system ID tells.
 */
function hlsKey(method: Extract<HlsMethod, 'AES-128' | 'SAMPLE-AES'>): System {
  const scheme: ProtectionScheme = method === 'AES-128' ? 'cbc1' : 'cbcs';
  return (key, context) => {
    const asked = schemeOf(key, scheme);
    if (asked !== scheme && asked !== method) {
      const name = drmSystemName(context.request.systemId);
      throw new Fault('UNSUPPORTED_SCHEME', `${name} signals ${scheme} only, not ${asked}`);
    }
    return {
      hlsKey: {
        method,
        uri: expand(context.settings.clearkey.keyUrl, key, context),
        iv: context.settings.hlsIv && key.explicitIv ? Buffer.from(key.explicitIv, 'base64') : undefined,
        keyFormat: 'identity',
        keyFormatVersions: '1',
      },
    };
  };
}

/** DASH-IF ClearKey: the licence server's URL; the key IDs stand in default_KID. */
function licenseUrl(key: KeyToSignal, context: ClearKeyContext): DrmSignaling {
  refuseSegmentEncryption(key, context);
  return { contentProtectionData: licenseUrlElements(expand(context.settings.clearkey.licenseUrl, key, context)) };
}

/** W3C "cenc" initialization data: key IDs for whichever CDM. */
function commonBox(key: KeyToSignal, context: ClearKeyContext): DrmSignaling {
  refuseSegmentEncryption(key, context);
  const { psshElement: spelling, keyIds } = context.settings.clearkey;
  const listed = keysInBox(key, context.request.keys, keyIds).map(({ keyId }) => keyId);
  const pssh = listBox(SYSTEM_IDS.common, listed);
  return { pssh, contentProtectionData: psshElement(pssh, spelling) };
}

/** For a system whose payload is its vendor's: the key IDs, which are all that can be said honestly, where a tenant wants it. */
function keyIdBox(key: KeyToSignal, context: ClearKeyContext): DrmSignaling {
  const { systemId } = context.request;
  if (!context.settings.keyIdBoxesFor.includes(systemId)) {
    throw new Fault('UNSUPPORTED_DRM_SYSTEM', whyNotSignaled(systemId));
  }
  refuseSegmentEncryption(key, context);
  const pssh = listBox(systemId, [key.keyId]);
  return { pssh, contentProtectionData: psshElement(pssh) };
}

/** Base64 of a box that holds key IDs and nothing else. */
function listBox(systemId: SystemId, keyIds: readonly KeyId[]): string {
  return encodePsshBox({ version: 1, systemId, keyIds, data: NO_DATA }).toString('base64');
}

const NO_DATA = Buffer.alloc(0);

function refuseSegmentEncryption(key: KeyToSignal, { request }: ClearKeyContext): void {
  if (key.hlsMethod !== 'AES-128') return;
  throw new Fault('UNSUPPORTED_SCHEME', `${drmSystemName(request.systemId)} has no boxes for AES-128 segments`);
}

function expand(template: string, key: KeyToSignal, { request, deliveryBaseUrl }: ClearKeyContext): string {
  const url = expandUrlTemplate(template, {
    base: deliveryBaseUrl,
    tenant: request.tenant,
    contentId: request.contentId,
    kid: key.keyId,
    kidHex: key.keyId.replaceAll('-', ''),
    iv: key.explicitIv && Buffer.from(key.explicitIv, 'base64').toString('hex'),
  });
  if (url !== undefined) return url;
  throw new Fault('INVALID_REQUEST', `the content ID ${JSON.stringify(request.contentId)} cannot stand in a URL`);
}
