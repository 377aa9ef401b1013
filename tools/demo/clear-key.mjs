// DASH and HLS over the same fMP4 segments, ClearKey, one key for picture and one for sound: Shaka Packager encrypts.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { CLIP, run } from './clip.mjs';
import { askKeys, SYSTEMS } from './encryptor.mjs';

const packager = createRequire(import.meta.url).resolve('shaka-packager');
const TRACKS = ['VIDEO', 'AUDIO'];

export async function packageClearKey(system, clip, folder, scheme) {
  const contentId = `demo/film ${scheme} ${randomUUID()}`;
  mkdirSync(folder);
  const keyIds = TRACKS.map(() => randomUUID());
  const answer = await askKeys(system, {
    contentId,
    keys: [
      { keyId: keyIds[0], scheme, trackType: 'VIDEO' },
      { keyId: keyIds[1], scheme, trackType: 'AUDIO', filters: ['<cpix:AudioFilter/>'] },
    ],
    systems: [SYSTEMS.common, SYSTEMS.clearKey, ...(scheme === 'cbcs' ? [SYSTEMS.clearKeySampleAes] : [])],
  });
  await encrypt(clip, folder, scheme, answer);
  signalDash(folder, answer);
  for (const [at, track] of TRACKS.entries()) {
    signalHls(folder, track, hlsKey(system, answer, contentId, keyIds[at], scheme));
  }
  const common = { player: 'shaka-player', contentId, keyIds };
  return [
    { ...common, name: `DASH, ClearKey, ${scheme}`, url: `${scheme}/manifest.mpd` },
    { ...common, name: `HLS in fMP4, ${scheme}`, url: `${scheme}/main.m3u8` },
  ];
}

async function encrypt(clip, folder, scheme, { keys, said }) {
  for (const track of TRACKS) mkdirSync(join(folder, track));
  await run(process.execPath, [
    packager,
    ...TRACKS.map((track) => stream(clip, folder, track)),
    '--enable_raw_key_encryption',
    `--keys=${TRACKS.map((track, at) => rawKey(track, keys[at])).join()}`,
    `--pssh=${said(SYSTEMS.common, keys[0].keyId, 'PSSH').toString('hex')}`,
    `--protection_scheme=${scheme}`,
    '--clear_lead=0',
    `--segment_duration=${CLIP.segmentSeconds}`,
    '--generate_static_live_mpd',
    `--mpd_output=${join(folder, 'manifest.mpd')}`,
    `--hls_master_playlist_output=${join(folder, 'main.m3u8')}`,
  ]);
}

function stream(clip, folder, track) {
  return [
    `in=${clip}`,
    `stream=${track.toLowerCase()}`,
    `init_segment=${join(folder, track, 'init.mp4')}`,
    `segment_template=${join(folder, track, '$Number$.m4s')}`,
    `drm_label=${track}`,
    `playlist_name=${track}.m3u8`,
    ...(track === 'AUDIO' ? ['hls_group_id=audio', 'hls_name=sound'] : []),
  ].join();
}

function rawKey(label, { keyId, key, explicitIv }) {
  const iv = explicitIv ? `:iv=${Buffer.from(explicitIv, 'base64').toString('hex')}` : '';
  return `label=${label}:key_id=${keyId.replaceAll('-', '')}:key=${key.toString('hex')}${iv}`;
}

/** The server's ContentProtectionData beside what the packager wrote. */
function signalDash(folder, { said }) {
  rewrite(join(folder, 'manifest.mpd'), (mpd) =>
    mpd.replaceAll(/<ContentProtection [^>]*default_KID="([^"]*)"\/>/g, (generic, keyId) => {
      const inner = said(SYSTEMS.clearKey, keyId, 'ContentProtectionData');
      const own = `<ContentProtection schemeIdUri="urn:uuid:${SYSTEMS.clearKey.systemId}" value="ClearKey1.0">${inner}</ContentProtection>`;
      return `${generic}\n${own}`;
    }),
  );
}

function signalHls(folder, track, line) {
  rewrite(join(folder, `${track}.m3u8`), (playlist) => playlist.replaceAll(/^#EXT-X-KEY:.*$/gm, line));
}

/** For cbcs as the server says it (SAMPLE-AES, KEYFORMAT identity); for cenc, which it has no HLS system for, alike. */
function hlsKey({ deliveryUrl }, { said }, contentId, keyId, scheme) {
  if (scheme === 'cbcs') return said(SYSTEMS.clearKeySampleAes, keyId, 'HLSSignalingData:media').toString().trim();
  const uri = `${deliveryUrl}/keys/default/${encodeURIComponent(contentId)}/${keyId}`;
  return `#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI="${uri}",KEYFORMAT="identity",KEYFORMATVERSIONS="1"`;
}

function rewrite(path, change) {
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}
