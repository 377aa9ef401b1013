import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory, Encryptor, SPEKE_2_SYSTEMS } from '@latchkey/testing';
import { answered, trackKey } from './answered';
import { protectionOf } from './mp4-boxes';
import { decrypt, makeClip, packetDigest } from './packaging';
import { describeWith } from './parts';
import { startStandalone, type System } from './system';

const SCRIPT = join(__dirname, '../../docs/examples/shaka-packager.mjs');
const KEY_IDS = /key IDs (\S+) (\S+)/;
const { widevine, playready, fairplay } = SPEKE_2_SYSTEMS;

describeWith(['ffmpeg', 'shaka-packager'])('docs/examples/shaka-packager.mjs', () => {
  const work = temporaryDirectory();
  let system: System;
  let clip: string;

  beforeAll(async () => {
    [system, clip] = await Promise.all([startStandalone(), makeClip(work)]);
  });
  afterAll(async () => {
    await system.stop();
    system.removeData();
  });

  it.each([
    ['cbcs', [widevine, playready, fairplay]],
    ['cenc', [widevine, playready]],
  ] as const)('packages with %s what the server’s keys open again', async (scheme, systems) => {
    const output = join(work, scheme);
    const args = ['--url', `${system.spekeUrl}/copyProtection`, '--content', scheme, '--input', clip];
    const { stdout } = await promisify(execFile)(process.execPath, [
      SCRIPT,
      ...args,
      '--output',
      output,
      '--scheme',
      scheme,
    ]);
    const [, videoKeyId = ''] = KEY_IDS.exec(stdout) ?? [];

    const file = join(output, 'VIDEO.mp4');
    expect(protectionOf(readFileSync(file))).toMatchObject({ scheme, keyId: videoKeyId });
    const wish = { version: '2.0', contentId: scheme, keys: [{ keyId: videoKeyId, scheme }], systems } as const;
    const key = trackKey(await answered(system, await Encryptor.create(), wish), 'VIDEO', videoKeyId);
    const clear = join(work, `${scheme}-clear.mp4`);
    await decrypt(file, clear, key);
    expect(await packetDigest(clear, 'VIDEO')).toBe(await packetDigest(clip, 'VIDEO'));

    const [media, master, mpd] = ['VIDEO.m3u8', 'master.m3u8', 'manifest.mpd'].map((name) =>
      readFileSync(join(output, name), 'utf8'),
    ) as [string, string, string];
    expect(media.match(/^#EXT-X-KEY:/gm)).toHaveLength(systems.length);
    expect(master.match(/^#EXT-X-SESSION-KEY:/gm)).toHaveLength(2 * systems.length);
    expect(mpd.match(/<cenc:pssh /g)).toHaveLength(4);
    expect(mpd.match(/<mspr:pro /g)).toHaveLength(2);
    expect(existsSync(join(output, '.flags'))).toBe(false);
  });
});
