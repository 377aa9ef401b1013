// SPEKE 2.0 requests of any size.
import { randomUUID } from 'node:crypto';

const SYSTEMS = [
  { systemId: 'edef8ba9-79d6-4ace-a3c8-27dcd51d21ed', children: ['PSSH', 'ContentProtectionData', 'HLS'] },
  { systemId: '9a04f079-9840-4286-ab92-e65be0885f95', children: ['PSSH', 'ContentProtectionData', 'HLS'] },
  { systemId: '94ce86fb-07ff-4f43-adb8-93d2fa968ca2', children: ['HLS'] },
];
const TRACKS = ['SD', 'HD', 'UHD1', 'UHD2', 'AUDIO', 'STEREO_AUDIO', 'MULTICHANNEL_AUDIO_3_6', 'MULTICHANNEL_AUDIO_7'];

/** A request for `keyCount` keys under the first `systemCount` of Widevine, PlayReady and FairPlay, live. */
export function spekeRequest(keyCount, systemCount, contentId = `bench-${randomUUID()}`) {
  const tracks = keyCount === 2 ? ['VIDEO', 'AUDIO'] : TRACKS.slice(0, keyCount);
  const keyIds = tracks.map(() => randomUUID());
  return `<?xml version="1.0" encoding="UTF-8"?>
<cpix:CPIX contentId="${contentId}" version="2.3" xmlns:cpix="urn:dashif:org:cpix" xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc">
  <cpix:ContentKeyList>
${keyIds.map((kid) => `    <cpix:ContentKey kid="${kid}" commonEncryptionScheme="cbcs"/>`).join('\n')}
  </cpix:ContentKeyList>
  <cpix:DRMSystemList>
${SYSTEMS.slice(0, systemCount)
  .flatMap((system) => keyIds.map((kid) => drmSystem(kid, system)))
  .join('\n')}
  </cpix:DRMSystemList>
  <cpix:ContentKeyPeriodList>
    <cpix:ContentKeyPeriod id="period-1" index="1"/>
  </cpix:ContentKeyPeriodList>
  <cpix:ContentKeyUsageRuleList>
${keyIds.map((kid, at) => usageRule(kid, tracks[at])).join('\n')}
  </cpix:ContentKeyUsageRuleList>
</cpix:CPIX>
`;
}

function drmSystem(kid, { systemId, children }) {
  const placeholders = children.flatMap((name) =>
    name === 'HLS'
      ? ['<cpix:HLSSignalingData playlist="media"/>', '<cpix:HLSSignalingData playlist="master"/>']
      : [`<cpix:${name}/>`],
  );
  return `    <cpix:DRMSystem kid="${kid}" systemId="${systemId}">
${placeholders.map((each) => `      ${each}`).join('\n')}
    </cpix:DRMSystem>`;
}

function usageRule(kid, track) {
  const filter = track.includes('AUDIO') ? 'AudioFilter' : 'VideoFilter';
  return `    <cpix:ContentKeyUsageRule kid="${kid}" intendedTrackType="${track}">
      <cpix:KeyPeriodFilter periodId="period-1"/>
      <cpix:${filter}/>
    </cpix:ContentKeyUsageRule>`;
}
