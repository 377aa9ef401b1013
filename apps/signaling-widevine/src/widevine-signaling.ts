import { encodePsshBox, SYSTEM_IDS } from '@latchkey/cenc';
import { Fault, type KeyToSignal, type SignalingReply, type SignalingRequest } from '@latchkey/messages';
import { answerItems, HLS_METHODS, keysInBox, psshElement, schemeOf, type DrmSignaling } from '@latchkey/signaling';
import type { TenantSignaling } from '@latchkey/tenants';
import { encodeWidevinePsshData } from './widevine-pssh-data';

/** What Widevine says about each key of a request. Throws Fault UNSUPPORTED_SCHEME. */
export function signalWidevine(request: SignalingRequest, settings: TenantSignaling): SignalingReply {
  return {
    keys: request.keys.map((key) => answerItems(key.keyId, key.wants, describe(key, request, settings))),
  };
}

function describe(key: KeyToSignal, request: SignalingRequest, settings: TenantSignaling): DrmSignaling {
  const { provider, policy, contentId, keyIds, schemes } = settings.widevine;
  const scheme = schemeOf(key, settings.speke1Scheme);
  if (scheme === 'AES-128' || !schemes.includes(scheme)) {
    throw new Fault('UNSUPPORTED_SCHEME', `Widevine signals ${schemes.join(', ')} here, not ${scheme}`);
  }
  const data = encodeWidevinePsshData({
    keyIds: keysInBox(key, request.keys, keyIds).map((listed) => listed.keyId),
    scheme,
    provider,
    policy,
    contentId: contentId ? request.contentId : undefined,
    cryptoPeriodIndex: key.period?.index,
  });
  const pssh = encodePsshBox({ version: 0, systemId: SYSTEM_IDS.widevine, data }).toString('base64');
  const method = HLS_METHODS[scheme];
  return {
    pssh,
    contentProtectionData: psshElement(pssh),
    hlsKey: method && {
      method,
      uri: `data:text/plain;base64,${pssh}`,
      iv: settings.hlsIv && key.explicitIv ? Buffer.from(key.explicitIv, 'base64') : undefined,
      keyId: key.keyId,
      keyFormat: `urn:uuid:${SYSTEM_IDS.widevine}`,
      keyFormatVersions: '1',
    },
  };
}
