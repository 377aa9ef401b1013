import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packager } from './parts';

const run = promisify(execFile);

export type TrackType = 'VIDEO' | 'AUDIO';

/** A track's key as an encryptor hands it to the packager. */
export interface TrackKey {
  readonly track: TrackType;
  readonly keyId: string;
  readonly key: Buffer;
  readonly iv?: Buffer | undefined;
}

/** Four seconds of moving picture and of sound: H.264 and AAC. */
export async function makeClip(directory: string): Promise<string> {
  const clip = join(directory, 'clip.mp4');
  const sources = '-f lavfi -i testsrc=size=320x180:rate=25:duration=4 -f lavfi -i sine=frequency=440:duration=4';
  const codecs = '-c:v libx264 -preset ultrafast -profile:v baseline -pix_fmt yuv420p -g 25 -c:a aac -b:a 64k';
  await run('ffmpeg', [...`-loglevel error -y ${sources} ${codecs}`.split(' '), clip]);
  return clip;
}

/**
 * What Shaka Packager makes of a clip with given keys, and given boxes or those that it makes itself: `VIDEO.mp4`, `AUDIO.mp4` (CMAF, one file each),
 * `VIDEO.m3u8`, `AUDIO.m3u8`, `master.m3u8`, `manifest.mpd`.
 */
export async function packageClip(
  clip: string,
  directory: string,
  protection: { scheme: 'cenc' | 'cbcs'; keys: readonly TrackKey[]; boxes: readonly Buffer[] | 'its own' },
): Promise<void> {
  const streams = protection.keys.map(({ track }) =>
    [
      `in=${clip}`,
      `stream=${track.toLowerCase()}`,
      `output=${join(directory, `${track}.mp4`)}`,
      `drm_label=${track}`,
      `playlist_name=${track}.m3u8`,
      ...(track === 'AUDIO' ? ['hls_group_id=audio', 'hls_name=sound'] : []),
    ].join(),
  );
  await run(process.execPath, [
    packager(),
    ...streams,
    '--enable_raw_key_encryption',
    `--keys=${protection.keys.map(keyArgument).join()}`,
    protection.boxes === 'its own'
      ? '--protection_systems=Widevine,PlayReady,CommonSystem'
      : `--pssh=${Buffer.concat(protection.boxes).toString('hex')}`,
    `--protection_scheme=${protection.scheme}`,
    '--clear_lead=0',
    '--segment_duration=1',
    '--fragment_duration=1',
    `--hls_master_playlist_output=${join(directory, 'master.m3u8')}`,
    `--mpd_output=${join(directory, 'manifest.mpd')}`,
  ]);
}

/** The same file without its protection. */
export async function decrypt(file: string, output: string, key: TrackKey): Promise<void> {
  await run(process.execPath, [
    packager(),
    `in=${file},stream=0,output=${output},drm_label=${key.track}`,
    '--enable_raw_key_decryption',
    `--keys=${keyArgument(key)}`,
  ]);
}

/** A digest of what a stream's packets hold. */
export async function packetDigest(file: string, track: TrackType): Promise<string> {
  const stream = track === 'VIDEO' ? '0:v:0' : '0:a:0';
  const copy = ['-loglevel', 'error', '-i', file, '-map', stream, '-c', 'copy', '-f', 'md5', '-'];
  const { stdout } = await run('ffmpeg', copy);
  return stdout.trim();
}

function keyArgument({ track, keyId, key, iv }: TrackKey): string {
  const ivPart = iv ? `:iv=${iv.toString('hex')}` : '';
  return `label=${track}:key_id=${keyId.replaceAll('-', '')}:key=${key.toString('hex')}${ivPart}`;
}
