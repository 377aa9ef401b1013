// HLS with METHOD=AES-128: ffmpeg cuts and encrypts MPEG-TS segments, with a new key every few of them.
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLIP, run } from './clip.mjs';
import { askKeys, SYSTEMS } from './encryptor.mjs';

const SEGMENTS_PER_PERIOD = 3;

export async function packageHlsAes128(system, clip, folder) {
  const contentId = `demo/channel ${randomUUID()}`;
  mkdirSync(join(folder, 'clear'), { recursive: true });
  await ffmpegHls(['-i', clip], join(folder, 'clear'), []);
  const periods = [];
  for (let first = 0; first * CLIP.segmentSeconds < CLIP.seconds; first += SEGMENTS_PER_PERIOD) {
    periods.push(await encryptPeriod(system, contentId, folder, first));
  }
  writeFileSync(join(folder, 'index.m3u8'), mediaPlaylist(periods));
  return {
    name: 'HLS, AES-128, a new key every 6 seconds',
    player: 'hls.js',
    url: 'hls-aes-128/index.m3u8',
    contentId,
    keyIds: periods.map(({ keyId }) => keyId),
  };
}

/** As a live encryptor does when a key period begins: a new key ID, asked for with the period's index. */
async function encryptPeriod(system, contentId, folder, first) {
  const keyId = randomUUID();
  const iv = randomBytes(16);
  const { keys, said } = await askKeys(system, {
    contentId,
    keys: [{ keyId, scheme: 'cbc1', explicitIv: iv.toString('base64') }],
    systems: [SYSTEMS.clearKeyAes128],
    period: first / SEGMENTS_PER_PERIOD,
  });
  const keyFile = join(folder, `${first}.key`);
  const infoFile = join(folder, `${first}.keyinfo`);
  writeFileSync(keyFile, keys[0].key, { mode: 0o600 });
  writeFileSync(infoFile, ['unused', keyFile, iv.toString('hex')].join('\n'), { mode: 0o600 });
  const numbers = Array.from({ length: SEGMENTS_PER_PERIOD }, (_, at) => first + at);
  const clear = numbers.map((number) => join(folder, 'clear', `${number}.ts`)).join('|');
  await ffmpegHls(['-copyts', '-i', `concat:${clear}`], folder, [
    ...'-copyts -muxdelay 0 -muxpreload 0 -hls_key_info_file'.split(' '),
    infoFile,
    ...`-start_number ${first}`.split(' '),
  ]);
  return {
    keyId,
    signaling: said(SYSTEMS.clearKeyAes128, keyId, 'HLSSignalingData:media').toString(),
    segments: segmentLines(folder),
  };
}

function ffmpegHls(input, folder, options) {
  return run('ffmpeg', [
    ...'-loglevel error -y'.split(' '),
    ...input,
    ...`-c copy -f hls -hls_time ${CLIP.segmentSeconds} -hls_playlist_type vod`.split(' '),
    ...options,
    '-hls_segment_filename',
    join(folder, '%d.ts'),
    join(folder, 'cut.m3u8'),
  ]);
}

function segmentLines(folder) {
  const lines = readFileSync(join(folder, 'cut.m3u8'), 'utf8').split('\n');
  return lines.filter((line) => line.startsWith('#EXTINF') || line.endsWith('.ts'));
}

/** The server's EXT-X-KEY line, as it is, before each period's segments. */
function mediaPlaylist(periods) {
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:5',
    `#EXT-X-TARGETDURATION:${CLIP.segmentSeconds}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    ...periods.flatMap(({ signaling, segments }) => [signaling.trim(), ...segments]),
    '#EXT-X-ENDLIST',
    '',
  ].join('\n');
}
