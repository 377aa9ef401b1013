import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory, Encryptor, SPEKE_2_SYSTEMS, type SpekeAnswer } from '@latchkey/testing';
import { answered, boxesOf, said, trackKey } from './answered';
import { mp4Boxes, protectionOf } from './mp4-boxes';
import { decrypt, makeClip, packageClip, packetDigest, type TrackKey } from './packaging';
import { describeWith } from './parts';
import { startStandalone, type System } from './system';

const COMMON = {
  systemId: '1077efec-c0b2-4d02-ace3-3c1e52e2fb4b',
  items: ['PSSH', 'ContentProtectionData'],
};
const { widevine, playready, fairplay } = SPEKE_2_SYSTEMS;

describeWith(['ffmpeg', 'shaka-packager'])('a packager with what the server answers', () => {
  const work = temporaryDirectory();
  let system: System;
  let encryptor: Encryptor;
  let clip: string;

  beforeAll(async () => {
    [system, encryptor, clip] = await Promise.all([startStandalone(), Encryptor.create(), makeClip(work)]);
  });
  afterAll(async () => {
    await system.stop();
    system.removeData();
  });

  describe.each([
    ['cenc', [widevine, playready, COMMON]],
    ['cbcs', [widevine, playready, fairplay, COMMON]],
  ] as const)('%s, two keys', (scheme, systems) => {
    const directory = join(work, scheme);
    const keyIds = { VIDEO: randomUUID(), AUDIO: randomUUID() };
    let answer: SpekeAnswer;
    let keys: TrackKey[];

    beforeAll(async () => {
      mkdirSync(directory);
      answer = await answered(system, encryptor, {
        version: '2.0',
        contentId: `packaged ${scheme}`,
        keys: [
          { keyId: keyIds.VIDEO, scheme, trackType: 'VIDEO' },
          { keyId: keyIds.AUDIO, scheme, trackType: 'AUDIO', filters: ['<cpix:AudioFilter/>'] },
        ],
        systems,
      });
      keys = (['VIDEO', 'AUDIO'] as const).map((track) => trackKey(answer, track, keyIds[track]));
      await packageClip(clip, directory, { scheme, keys, boxes: boxesOf(answer) });
    });

    it('marks each track with its own key ID and the scheme', () => {
      for (const { track, keyId } of keys) {
        expect(protectionOf(readFileSync(join(directory, `${track}.mp4`)))).toMatchObject({ scheme, keyId });
      }
    });

    it('takes the IV that was answered with the key', () => {
      if (scheme === 'cenc') return expect(keys.every(({ iv }) => iv === undefined)).toBe(true);
      for (const { track, iv } of keys) {
        expect(iv).toHaveLength(16);
        expect(protectionOf(readFileSync(join(directory, `${track}.mp4`))).constantIv).toBe(iv?.toString('hex'));
      }
    });

    it('puts our boxes into the init segments, byte for byte', () => {
      const ours = boxesOf(answer).map((box) => box.toString('base64'));
      expect(ours).toHaveLength(6);
      for (const { track } of keys) {
        expect(boxesIn(join(directory, `${track}.mp4`))).toEqual(ours.sort());
      }
    });

    it('makes, left to itself, the same boxes out of the keys, the PlayReady checksum too, and the same HLS tags', async () => {
      for (const key of keys) {
        const alone = join(directory, `${key.track}-alone`);
        mkdirSync(alone);
        await packageClip(clip, alone, { scheme, keys: [key], boxes: 'its own' });
        const ours = answer.systems.filter(({ keyId }) => keyId === key.keyId);
        expect(boxesIn(join(alone, `${key.track}.mp4`))).toEqual(
          ours.flatMap(({ items }) => items.get('PSSH') ?? []).sort(),
        );
        const theirTags = keyTags(readFileSync(join(alone, `${key.track}.m3u8`), 'utf8'));
        for (const { systemId } of [widevine, playready]) {
          const [tag] = keyTags(said(answer, systemId, key.keyId, 'HLSSignalingData:media'));
          expect(theirTags).toContainEqual(tag);
        }
      }
    });

    it('encrypts with the answered keys: with them, and no others, the clip comes back', async () => {
      for (const key of keys) {
        const encrypted = join(directory, `${key.track}.mp4`);
        const back = join(directory, `${key.track}-clear.mp4`);
        await decrypt(encrypted, back, key);
        const original = await packetDigest(clip, key.track);
        expect(await packetDigest(back, key.track)).toBe(original);
        expect(await packetDigest(encrypted, key.track)).not.toBe(original);
      }
    });

    it('understands the boxes: its own manifest names our systems and carries our bytes', () => {
      const mpd = readFileSync(join(directory, 'manifest.mpd'), 'utf8');
      for (const systemId of new Set(answer.systems.map((system) => system.systemId))) {
        const boxes = boxesOf(answer, systemId);
        if (boxes.length === 0) continue;
        expect(mpd).toContain(`urn:uuid:${systemId}`);
        // It writes the boxes of a system one after the other into one element.
        expect(mpd).toContain(`<cenc:pssh>${Buffer.concat(boxes).toString('base64')}</cenc:pssh>`);
      }
      const object = answer.systems.flatMap(({ items }) => items.get('SmoothStreamingProtectionHeaderData') ?? [])[0];
      expect(mpd).toContain(`<mspr:pro>${object}</mspr:pro>`);
    });
  });
});

/** The pssh boxes of a file, sorted. */
function boxesIn(file: string): string[] {
  return mp4Boxes(readFileSync(file))
    .filter(({ type }) => type === 'pssh')
    .map(({ bytes }) => bytes.toString('base64'))
    .sort();
}

/** The attributes of each EXT-X-KEY but for IV, which the packager always adds for cbcs. */
function keyTags(playlist: string): Array<Record<string, string>> {
  return [...playlist.matchAll(/^#EXT-X-KEY:(.*)$/gm)].map(([, list]) => {
    const attributes = [...`${list}`.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)].map(([, name, value]) => [name, value]);
    return Object.fromEntries(attributes.filter(([name]) => name !== 'IV'));
  });
}
