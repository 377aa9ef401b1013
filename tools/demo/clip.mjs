import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const run = promisify(execFile);

/** In seconds. Segments begin with a key frame. */
export const CLIP = { seconds: 24, segmentSeconds: 2 };

/** Moving picture and sound: H.264 and AAC. */
export async function makeClip(folder) {
  const clip = join(folder, 'clip.mp4');
  const { seconds, segmentSeconds } = CLIP;
  const picture = `-f lavfi -i testsrc2=size=640x360:rate=25:duration=${seconds}`;
  const sound = `-f lavfi -i sine=frequency=330:beep_factor=4:duration=${seconds}`;
  const gop = 25 * segmentSeconds;
  const codecs = `-c:v libx264 -preset ultrafast -profile:v main -pix_fmt yuv420p -g ${gop} -keyint_min ${gop} -sc_threshold 0 -c:a aac -b:a 96k`;
  await run('ffmpeg', [...`-loglevel error -y ${picture} ${sound} ${codecs}`.split(' '), clip]);
  return clip;
}
