// A clip in, encrypted DASH and HLS out: asks a SPEKE server for the keys and hands its answer to Shaka Packager.
//   node docs/examples/shaka-packager.mjs --content movie-1 --input clip.mp4 --output out
// Needs nothing but Node and a packager (npm ci brings one). Keys never stand on a command line or stay on the disk.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const WIDEVINE = 'edef8ba9-79d6-4ace-a3c8-27dcd51d21ed';
const PLAYREADY = '9a04f079-9840-4286-ab92-e65be0885f95';
const FAIRPLAY = '94ce86fb-07ff-4f43-adb8-93d2fa968ca2';
const TRACKS = { VIDEO: '<cpix:VideoFilter/>', AUDIO: '<cpix:AudioFilter/>' };

const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://localhost:8080/copyProtection' },
    content: { type: 'string' },
    input: { type: 'string' },
    output: { type: 'string', default: 'out' },
    /** cbcs: everybody. cenc: no FairPlay. */
    scheme: { type: 'string', default: 'cbcs' },
    authorization: { type: 'string' },
  },
});
if (!options.content || !options.input) throw new Error('--content ID and --input FILE');

const tracks = Object.keys(TRACKS).map((track) => ({ track, keyId: randomUUID() }));
const answer = await ask(request());
mkdirSync(options.output, { recursive: true });
runPackager();
signal();
process.stdout.write(
  `${options.output}/master.m3u8 and ${options.output}/manifest.mpd; key IDs ${tracks.map((each) => each.keyId).join(' ')}\n`,
);

/** SPEKE 2.0: one key for each track type, and what each DRM system wants said. */
function request() {
  const systems = options.scheme === 'cbcs' ? [WIDEVINE, PLAYREADY, FAIRPLAY] : [WIDEVINE, PLAYREADY];
  const hls = '<cpix:HLSSignalingData playlist="media"/><cpix:HLSSignalingData playlist="master"/>';
  const wants = (system) => (system === FAIRPLAY ? hls : `<cpix:PSSH/><cpix:ContentProtectionData/>${hls}`);
  const lists = {
    ContentKeyList: tracks.map(
      ({ keyId }) => `<cpix:ContentKey kid="${keyId}" commonEncryptionScheme="${options.scheme}"/>`,
    ),
    DRMSystemList: systems.flatMap((system) =>
      tracks.map(
        ({ keyId }) => `<cpix:DRMSystem kid="${keyId}" systemId="${system}">${wants(system)}</cpix:DRMSystem>`,
      ),
    ),
    ContentKeyUsageRuleList: tracks.map(
      ({ keyId, track }) =>
        `<cpix:ContentKeyUsageRule kid="${keyId}" intendedTrackType="${track}">${TRACKS[track]}</cpix:ContentKeyUsageRule>`,
    ),
  };
  const content = options.content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  return [
    `<cpix:CPIX contentId="${content}" version="2.3" xmlns:cpix="urn:dashif:org:cpix" xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc">`,
    ...Object.entries(lists).map(([name, members]) => `<cpix:${name}>${members.join('')}</cpix:${name}>`),
    '</cpix:CPIX>',
  ].join('');
}

async function ask(body) {
  const headers = { 'content-type': 'application/xml', 'x-speke-version': '2.0' };
  if (options.authorization) headers.authorization = options.authorization;
  const reply = await fetch(options.url, { method: 'POST', headers, body });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${reply.status}: ${text}`);
  return text;
}

function runPackager() {
  const streams = tracks.map(({ track }) =>
    [
      `in=${options.input}`,
      `stream=${track.toLowerCase()}`,
      `output=${join(options.output, `${track}.mp4`)}`,
      `drm_label=${track}`,
      `playlist_name=${track}.m3u8`,
      ...(track === 'AUDIO' ? ['hls_group_id=audio', 'hls_name=sound'] : []),
    ].join(),
  );
  const flags = join(options.output, '.flags');
  writeFileSync(flags, keyFlags().join('\n'), { mode: 0o600 });
  try {
    const packager = createRequire(import.meta.url).resolve('shaka-packager');
    const outputs = [
      `--hls_master_playlist_output=${join(options.output, 'master.m3u8')}`,
      `--mpd_output=${join(options.output, 'manifest.mpd')}`,
    ];
    execFileSync(process.execPath, [packager, ...streams, `--flagfile=${flags}`, ...outputs], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } finally {
    rmSync(flags);
  }
}

/** The server's keys, IVs and boxes: with boxes of its own, the packager makes none. */
function keyFlags() {
  const keys = tracks.map(({ track, keyId }) => {
    const key = hex(/<pskc:PlainValue>([^<]+)/.exec(elementOf('ContentKey', keyId))[1]);
    const iv = /explicitIV="([^"]+)"/.exec(elementOf('ContentKey', keyId))?.[1];
    return `label=${track}:key_id=${keyId.replaceAll('-', '')}:key=${key}${iv ? `:iv=${hex(iv)}` : ''}`;
  });
  const boxes = [...answer.matchAll(/<cpix:PSSH>([^<]+)/g)].map(([, base64]) => hex(base64));
  return [
    '--enable_raw_key_encryption',
    `--protection_scheme=${options.scheme}`,
    `--keys=${keys.join()}`,
    `--pssh=${boxes.join('')}`,
    '--clear_lead=0',
  ];
}

/** Puts the server's lines into the playlists and its ContentProtectionData into the MPD, in the place of the packager's. */
function signal() {
  for (const { track, keyId } of tracks) {
    edit(`${track}.m3u8`, (text) => lead(text, '#EXT-X-MAP', said('HLSSignalingData playlist="media"', keyId)));
  }
  const session = tracks.flatMap(({ keyId }) => said('HLSSignalingData playlist="master"', keyId));
  edit('master.m3u8', (text) => lead(text, '#EXT-X-MEDIA', session));
  edit('manifest.mpd', (text) =>
    text
      .replaceAll(/\s*<ContentProtection [^>]*urn:uuid:[^>]*>[^]*?<\/ContentProtection>/g, '')
      .replaceAll(
        /<ContentProtection [^>]*default_KID="([^"]*)"\/>/g,
        (generic, keyId) => generic + protections(keyId),
      ),
  );
}

function protections(keyId) {
  return [...systemsOf(keyId)]
    .map(([system, element]) => [system, decoded(element, 'ContentProtectionData')[0]])
    .filter(([, inner]) => inner)
    .map(([system, inner]) => `<ContentProtection schemeIdUri="urn:uuid:${system}">${inner}</ContentProtection>`)
    .join('');
}

function said(item, keyId) {
  return [...systemsOf(keyId).values()].flatMap((element) => decoded(element, item));
}

function decoded(element, item) {
  const base64 = new RegExp(`<cpix:${item}>([^<]+)`).exec(element)?.[1];
  return base64 ? [Buffer.from(base64, 'base64').toString()] : [];
}

/** system ID → its DRMSystem element for that key */
function systemsOf(keyId) {
  const elements = [...answer.matchAll(/<cpix:DRMSystem [^]*?<\/cpix:DRMSystem>/g)].map(([element]) => element);
  const ours = elements.filter((element) => element.includes(`kid="${keyId.toLowerCase()}"`));
  return new Map(ours.map((element) => [/systemId="([^"]+)"/.exec(element)[1], element]));
}

function elementOf(name, keyId) {
  const elements = [...answer.matchAll(new RegExp(`<cpix:${name} [^]*?</cpix:${name}>`, 'g'))].map(
    ([element]) => element,
  );
  return elements.find((element) => element.includes(keyId));
}

/** Before the first such line, where a key must stand; the packager's own lines go. */
function lead(playlist, before, lines) {
  const bare = playlist.replaceAll(/^#EXT-X-(SESSION-)?KEY:.*\n/gm, '');
  return bare.replace(before, () => [...lines, before].join('\n'));
}

function edit(name, change) {
  const path = join(options.output, name);
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

function hex(base64) {
  return Buffer.from(base64, 'base64').toString('hex');
}
