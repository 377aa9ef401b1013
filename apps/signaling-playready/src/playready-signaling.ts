import { encodePsshBox, SYSTEM_IDS, type ProtectionScheme } from '@latchkey/cenc';
import { Fault, type KeyToSignal, type SignalingReply, type SignalingRequest } from '@latchkey/messages';
import {
  answerItems,
  expandUrlTemplate,
  HLS_METHODS,
  keysInBox,
  playReadyObjectElement,
  psshElement,
  schemeOf,
  type DrmSignaling,
} from '@latchkey/signaling';
import type { TenantSignaling } from '@latchkey/tenants';
import { playReadyObject } from './playready-object';
import { refuseOtherKeys, testServerUrl } from './test-server';
import { wrmHeader } from './wrm-header';

/** What PlayReady says about each key of a request. Throws Fault UNSUPPORTED_SCHEME, PRECONDITION_FAILED (test server). */
export function signalPlayReady(request: SignalingRequest, settings: TenantSignaling): SignalingReply {
  return {
    keys: request.keys.map((key) => answerItems(key.keyId, key.wants, describe(key, request, settings))),
  };
}

/** ISO/IEC 23001-7, 10: the first two schemes are AES-CTR, the others AES-CBC. */
const ALGORITHMS = { cenc: 'AESCTR', cens: 'AESCTR', cbc1: 'AESCBC', cbcs: 'AESCBC' } as const;

function describe(key: KeyToSignal, request: SignalingRequest, settings: TenantSignaling): DrmSignaling {
  const scheme = supportedScheme(key, settings);
  const data = objectFor(key, scheme, request, settings);
  const object = data.toString('base64');
  const pssh = encodePsshBox({ version: 0, systemId: SYSTEM_IDS.playready, data }).toString('base64');
  const method = HLS_METHODS[scheme];
  return {
    pssh,
    contentProtectionData: psshElement(pssh) + playReadyObjectElement(object),
    smoothProtectionHeader: object,
    hlsKey: method && {
      method,
      uri: `data:text/plain;charset=UTF-16;base64,${object}`,
      iv: settings.hlsIv && key.explicitIv ? Buffer.from(key.explicitIv, 'base64') : undefined,
      keyFormat: 'com.microsoft.playready',
      keyFormatVersions: '1',
    },
  };
}

function supportedScheme(key: KeyToSignal, settings: TenantSignaling): ProtectionScheme {
  const { schemes } = settings.playready;
  const scheme = schemeOf(key, settings.speke1Scheme);
  if (scheme !== 'AES-128' && schemes.includes(scheme)) return scheme;
  throw new Fault('UNSUPPORTED_SCHEME', `PlayReady signals ${schemes.join(', ')} here, not ${scheme}`);
}

function objectFor(
  key: KeyToSignal,
  scheme: ProtectionScheme,
  request: SignalingRequest,
  { playready }: TenantSignaling,
): Buffer {
  const keys = keysInBox(key, request.keys, playready.keyIds);
  const algorithm = ALGORITHMS[scheme];
  if (playready.testServer) refuseOtherKeys(keys);
  return playReadyObject(
    wrmHeader({
      algorithm,
      keys,
      laUrl: playready.testServer ? testServerUrl(keys, algorithm) : licenseUrl(playready.laUrl, request),
      luiUrl: licenseUrl(playready.luiUrl, request),
      dsId: playready.dsId,
      customAttributes: playready.customAttributes,
    }),
  );
}

/** The same for all keys of a content, so that boxes which list several keys are the same for each. */
function licenseUrl(template: string | undefined, { tenant, contentId }: SignalingRequest): string | undefined {
  if (template === undefined) return undefined;
  const url = expandUrlTemplate(template, { tenant, contentId });
  if (url !== undefined) return url;
  throw new Fault('INVALID_REQUEST', `the content ID ${JSON.stringify(contentId)} cannot stand in a URL`);
}
