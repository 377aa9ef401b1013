// CPIX requests as AWS's encryptors write them: one live period or none, keys by track type.
import { randomUUID } from 'node:crypto';

const WIDEVINE = { id: 'edef8ba9-79d6-4ace-a3c8-27dcd51d21ed', items: ['PSSH', 'ContentProtectionData', 'HLS'] };
const PLAYREADY = {
  id: '9a04f079-9840-4286-ab92-e65be0885f95',
  items: ['PSSH', 'ContentProtectionData', 'SmoothStreamingProtectionHeaderData'],
};
const FAIRPLAY = { id: '94ce86fb-07ff-4f43-adb8-93d2fa968ca2', items: ['HLS'] };
const AES_128 = { id: '3ea8778f-7742-4bf9-b18b-e834b2acbd47', items: ['HLS'] };
const V1 = { KeyFormat: 'speke:KeyFormat', KeyFormatVersions: 'speke:KeyFormatVersions' };
const AES_128_V1 = {
  id: '81376844-f976-481e-a84e-cc25d39b0b33',
  items: ['URIExtXKey', V1.KeyFormat, V1.KeyFormatVersions],
};

/** What an endpoint is like: the versions and packagings that one meets in the field. */
export const PROFILES = [
  {
    name: 'hls-aes128',
    version: '1.0',
    agent: 'AWS Elemental MediaPackage',
    tracks: [undefined],
    systems: [AES_128_V1],
    players: true,
  },
  {
    name: 'cmaf-cbcs',
    version: '2.0',
    agent: 'AWS Elemental MediaPackage v2',
    tracks: ['VIDEO', 'AUDIO'],
    scheme: 'cbcs',
    systems: [WIDEVINE, PLAYREADY, FAIRPLAY],
  },
  {
    name: 'dash-cenc',
    version: '2.1',
    agent: 'AWS Elemental MediaPackage v2',
    tracks: ['VIDEO', 'AUDIO'],
    scheme: 'cenc',
    systems: [WIDEVINE, PLAYREADY],
  },
  {
    name: 'hls-clear-key',
    version: '2.0',
    agent: 'Elemental Live',
    tracks: ['ALL'],
    scheme: 'cbc1',
    systems: [AES_128],
    players: true,
  },
];

export const VOD = {
  name: 'vod',
  version: '2.0',
  agent: 'AWS Elemental MediaConvert',
  tracks: ['VIDEO', 'AUDIO'],
  scheme: 'cenc',
  systems: [WIDEVINE, PLAYREADY],
};

/**
 * @param {typeof PROFILES[number]} profile
 * @param {{ contentId: string, keyIds: string[], period?: { index: number, start: Date, end: Date } }} wish
 */
export function requestDocument(profile, { contentId, keyIds, period }) {
  const first = profile.version === '1.0';
  const identity = first
    ? `id="${contentId}"`
    : `contentId="${contentId}" version="${profile.version === '2.1' ? '2.4' : '2.3'}"`;
  const namespaces = [
    'xmlns:cpix="urn:dashif:org:cpix"',
    'xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc"',
    ...(first ? ['xmlns:speke="urn:aws:amazon:com:speke"'] : []),
  ];
  const periodId = `keyPeriod_${randomUUID()}`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<cpix:CPIX ${identity} ${namespaces.join(' ')}>`,
    ...list(
      'ContentKeyList',
      keyIds.map((kid) => contentKey(kid, profile)),
    ),
    ...list(
      'DRMSystemList',
      profile.systems.flatMap((system) => keyIds.map((kid) => drmSystem(kid, system))),
    ),
    ...(period ? list('ContentKeyPeriodList', [contentKeyPeriod(periodId, period, profile)]) : []),
    ...(period || !first
      ? list(
          'ContentKeyUsageRuleList',
          keyIds.map((kid, at) => usageRule(kid, profile.tracks[at], period && periodId)),
        )
      : []),
    '</cpix:CPIX>',
  ].join('\n');
}

function list(name, members) {
  return [`<cpix:${name}>`, ...members, `</cpix:${name}>`];
}

function contentKey(kid, { scheme, version }) {
  return `<cpix:ContentKey kid="${kid}"${version === '1.0' ? '' : ` commonEncryptionScheme="${scheme}"`}></cpix:ContentKey>`;
}

function drmSystem(kid, { id, items }) {
  const inner = items.map((item) =>
    item === 'HLS'
      ? '<cpix:HLSSignalingData playlist="media"></cpix:HLSSignalingData><cpix:HLSSignalingData playlist="master"></cpix:HLSSignalingData>'
      : item.includes(':')
        ? `<${item}></${item}>`
        : `<cpix:${item}></cpix:${item}>`,
  );
  return `<cpix:DRMSystem kid="${kid}" systemId="${id}">${inner.join('')}</cpix:DRMSystem>`;
}

function contentKeyPeriod(id, { index, start, end }, { version }) {
  const times = version === '2.1' ? ` start="${start.toISOString()}" end="${end.toISOString()}"` : '';
  return `<cpix:ContentKeyPeriod id="${id}" index="${index}"${times} />`;
}

const FILTERS = {
  VIDEO: '<cpix:VideoFilter />',
  AUDIO: '<cpix:AudioFilter />',
  ALL: '<cpix:VideoFilter /><cpix:AudioFilter />',
};

function usageRule(kid, track, periodId) {
  const intended = track ? ` intendedTrackType="${track}"` : '';
  const filter = periodId ? `<cpix:KeyPeriodFilter periodId="${periodId}" />` : '';
  return `<cpix:ContentKeyUsageRule kid="${kid}"${intended}>${filter}${FILTERS[track] ?? ''}</cpix:ContentKeyUsageRule>`;
}

/** What encryptors get wrong now and then, made of a right document. */
export const FAULTS = [
  { name: 'no CPIX version', spoil: (text) => text.replace(/ version="2\.\d"/, '') },
  { name: 'an unknown DRM system', spoil: (text) => text.replace(WIDEVINE.id, '11111111-2222-4333-8444-555555555555') },
  { name: 'the same key ID twice', spoil: (text) => text.replace(/(<cpix:ContentKey .*?<\/cpix:ContentKey>)/, '$1$1') },
  {
    name: 'no usage rules',
    spoil: (text) => text.replace(/<cpix:ContentKeyUsageRuleList>[^]*<\/cpix:ContentKeyUsageRuleList>/, ''),
  },
  { name: 'an end that is missing', spoil: (text) => text.slice(0, text.length / 2) },
  { name: 'a key ID that is none', spoil: (text) => text.replaceAll(/kid="[0-9a-f-]+"/g, 'kid="channel-1"') },
];
