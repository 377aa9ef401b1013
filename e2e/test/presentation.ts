import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SpekeAnswer } from '@latchkey/testing';
import { said } from './answered';
import type { TrackKey } from './packaging';

/**
 * What an encryptor does with the answer, done to what the packager wrote: our lines take the place of its EXT-X-KEY, our
 * ContentProtectionData the place of what it put into the MPD. Writes `signaled-master.m3u8`, `signaled.mpd` and
 * `clearkey.mpd`.
 */
export function signalManifests(
  directory: string,
  answer: SpekeAnswer,
  keys: readonly TrackKey[],
  systems: { hls: readonly string[]; dash: readonly string[]; clearKey: readonly string[] },
): void {
  for (const { track, keyId } of keys) {
    rewrite(directory, `${track}.m3u8`, `signaled-${track}.m3u8`, (text) =>
      withLines(
        withoutKeys(text),
        '#EXT-X-MAP',
        systems.hls.map((systemId) => said(answer, systemId, keyId, 'HLSSignalingData:media')),
      ),
    );
  }
  const sessionKeys = systems.hls.flatMap((systemId) =>
    keys.map(({ keyId }) => said(answer, systemId, keyId, 'HLSSignalingData:master')),
  );
  rewrite(directory, 'master.m3u8', 'signaled-master.m3u8', (text) =>
    withLines(withoutKeys(text), '#EXT-X-MEDIA', sessionKeys).replaceAll(/\b(VIDEO|AUDIO)\.m3u8/g, 'signaled-$1.m3u8'),
  );
  // DASH-IF: ClearKey does not stand beside a real DRM in one MPD.
  for (const [name, listed] of [
    ['signaled.mpd', systems.dash],
    ['clearkey.mpd', systems.clearKey],
  ] as const) {
    rewrite(directory, 'manifest.mpd', name, (text) => withContentProtection(text, answer, listed));
  }
}

function rewrite(directory: string, from: string, to: string, change: (text: string) => string): void {
  writeFileSync(join(directory, to), change(readFileSync(join(directory, from), 'utf8')));
}

function withoutKeys(playlist: string): string {
  return playlist.replaceAll(/^#EXT-X-(SESSION-)?KEY:.*\n/gm, '');
}

/** Before the first line that begins so. */
function withLines(playlist: string, before: string, lines: readonly string[]): string {
  return playlist.replace(before, () => [...lines, before].join('\n'));
}

function withContentProtection(mpd: string, answer: SpekeAnswer, systems: readonly string[]): string {
  const bare = mpd.replaceAll(/\s*<ContentProtection [^>]*urn:uuid:[^>]*>[\s\S]*?<\/ContentProtection>/g, '');
  return bare.replaceAll(/<ContentProtection [^>]*default_KID="([^"]*)"\/>/g, (generic, keyId: string) =>
    [
      generic,
      ...systems.map((systemId) => {
        const inner = said(answer, systemId, keyId, 'ContentProtectionData');
        return `<ContentProtection schemeIdUri="urn:uuid:${systemId}">${inner}</ContentProtection>`;
      }),
    ].join('\n'),
  );
}
