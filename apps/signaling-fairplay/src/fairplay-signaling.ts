import { Fault, type KeyToSignal, type SignalingReply, type SignalingRequest } from '@latchkey/messages';
import { answerItems, expandUrlTemplate, schemeOf, type DrmSignaling } from '@latchkey/signaling';
import type { TenantSignaling } from '@latchkey/tenants';

/** What FairPlay says about each key of a request: HLS only, cbcs only. Throws Fault UNSUPPORTED_SCHEME, INVALID_REQUEST. */
export function signalFairPlay(request: SignalingRequest, settings: TenantSignaling): SignalingReply {
  return {
    keys: request.keys.map((key) => answerItems(key.keyId, key.wants, describe(key, request, settings))),
  };
}

/** No IV attribute: it travels with the key, in the licence. */
function describe(key: KeyToSignal, request: SignalingRequest, settings: TenantSignaling): DrmSignaling {
  const scheme = schemeOf(key, 'cbcs');
  if (scheme !== 'cbcs') throw new Fault('UNSUPPORTED_SCHEME', `FairPlay signals cbcs only, not ${scheme}`);
  return {
    hlsKey: {
      method: 'SAMPLE-AES',
      uri: assetUri(key, request, settings.fairplay.uri),
      keyFormat: 'com.apple.streamingkeydelivery',
      keyFormatVersions: '1',
    },
  };
}

/** The forms of skd:// URI that have a name. Apple leaves the asset ID to the licence server; these are widely used. */
const PRESETS: Readonly<Record<string, string>> = { kid: 'skd://{kid}', 'kid-iv': 'skd://{kid}:{iv}' };

function assetUri(key: KeyToSignal, request: SignalingRequest, form: string): string {
  if (form === 'mediapackage') return mediaPackageUri(key, request.contentId);
  const template = PRESETS[form] ?? form;
  const uri = expandUrlTemplate(template, {
    tenant: request.tenant,
    contentId: request.contentId,
    kid: key.keyId,
    kidHex: key.keyId.replaceAll('-', ''),
    iv: template.includes('{iv}') ? Buffer.from(explicitIv(key), 'base64').toString('hex') : undefined,
  });
  if (uri !== undefined) return uri;
  throw new Fault('INVALID_REQUEST', `the content ID ${JSON.stringify(request.contentId)} cannot stand in a URL`);
}

/** AWS, "SPEKE Version 2.0 — DRM systems": the asset ID is the base64 of this JSON. */
function mediaPackageUri(key: KeyToSignal, contentId: string): string {
  const asset = { ContentId: contentId, KeyId: key.keyId, IV: explicitIv(key) };
  return `skd://${Buffer.from(JSON.stringify(asset)).toString('base64')}`;
}

function explicitIv(key: KeyToSignal): string {
  if (key.explicitIv) return key.explicitIv;
  throw new Fault('INVALID_REQUEST', `FairPlay needs the explicit IV of key ${key.keyId}`);
}
