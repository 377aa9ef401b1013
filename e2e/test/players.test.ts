import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory, Encryptor, SPEKE_2_SYSTEMS, type SpekeAnswer } from '@latchkey/testing';
import type { Browser, Page } from 'playwright-core';
import { answered, boxesOf, trackKey } from './answered';
import { launchChromium } from './chromium';
import { mp4Boxes } from './mp4-boxes';
import { makeClip, packageClip, type TrackKey } from './packaging';
import { describeWith } from './parts';
import {
  announceSinf,
  loadWithHls,
  loadWithShaka,
  openPlayerPage,
  PLAYERS,
  recordedCdm,
  untilRequests,
} from './player-page';
import { signalManifests } from './presentation';
import { serveFolders, type StaticFiles } from './static-files';
import { startStandalone, type System } from './system';

const { widevine, playready, fairplay } = SPEKE_2_SYSTEMS;
const clearKey = { systemId: 'e2719d58-a985-b3c9-781a-b030af78d30e', items: ['ContentProtectionData'] };
const common = { systemId: '1077efec-c0b2-4d02-ace3-3c1e52e2fb4b', items: ['ContentProtectionData'] };
const HLS_SYSTEMS = { cenc: [widevine, playready], cbcs: [widevine, playready, fairplay] } as const;
const LA_URL = 'https://playready.example/rightsmanager.asmx?a=1&b=2';
const SIGNALING = { fairplay: { uri: 'kid' }, playready: { laUrl: LA_URL } };
const KEY_SYSTEMS = [
  ['Widevine', widevine.systemId, 'com.widevine.alpha'],
  ['PlayReady', playready.systemId, 'com.microsoft.playready'],
] as const;

describeWith(['ffmpeg', 'shaka-packager', 'chromium'])('a player with what the server answers', () => {
  const work = temporaryDirectory();
  const answers = new Map<string, SpekeAnswer>();
  const keysOf = new Map<string, TrackKey[]>();
  let system: System;
  let files: StaticFiles;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const encryptor = await Encryptor.create();
    const tenantsFile = join(work, 'tenants.yaml');
    writeFileSync(tenantsFile, JSON.stringify({ tenants: [{ id: 'default', signaling: SIGNALING }] }));
    [system, browser] = await Promise.all([
      startStandalone({ environment: { TENANTS_FILE: tenantsFile } }),
      launchChromium(),
    ]);
    const clip = await makeClip(work);
    for (const scheme of ['cenc', 'cbcs'] as const) await present(scheme, clip, encryptor);
    files = await serveFolders({ media: work, hls: PLAYERS.hls, shaka: PLAYERS.shaka });
  });

  afterEach(() => page?.close());
  afterAll(async () => {
    await browser.close();
    await files.close();
    await system.stop();
    system.removeData();
  });

  describe.each(['cenc', 'cbcs'] as const)('%s', (scheme) => {
    it.each(KEY_SYSTEMS)('HLS in hls.js: %s gets each key’s own box', async (_, systemId, keySystem) => {
      page = await openPlayerPage(browser, files.url, 'hls.js', keySystem);
      await loadWithHls(page, `/media/${scheme}/signaled-master.m3u8`, keySystem);
      const { requests } = await untilRequests(page, 2);
      expectOurBoxes(requests, keySystem, boxes(scheme, systemId));
    });

    it.each(KEY_SYSTEMS)('HLS in shaka-player: %s gets each key’s own box', async (_, systemId, keySystem) => {
      page = await openPlayerPage(browser, files.url, 'shaka-player', keySystem);
      await loadWithShaka(page, `/media/${scheme}/signaled-master.m3u8`, keySystem);
      const { requests, accesses } = await untilRequests(page, 2);
      expectOurBoxes(requests, keySystem, boxes(scheme, systemId));
      expect(accesses.find((access) => access.keySystem === keySystem)?.schemes).toEqual([scheme, scheme]);
      expect(await keyIdsOf(page)).toEqual(keyIds(scheme));
    });

    it.each(KEY_SYSTEMS)('DASH in shaka-player: %s gets each key’s own box', async (_, systemId, keySystem) => {
      page = await openPlayerPage(browser, files.url, 'shaka-player', keySystem);
      await loadWithShaka(page, `/media/${scheme}/signaled.mpd`, keySystem);
      const { requests, accesses } = await untilRequests(page, 2);
      expectOurBoxes(requests, keySystem, boxes(scheme, systemId));
      expect(accesses.find((access) => access.keySystem === keySystem)?.schemes).toEqual([scheme, scheme]);
      expect(await keyIdsOf(page)).toEqual(keyIds(scheme));
    });
  });

  it('Widevine in hls.js: KEYID names the key that the segments need', async () => {
    const keySystem = 'com.widevine.alpha';
    page = await openPlayerPage(browser, files.url, 'hls.js', keySystem);
    await loadWithHls(page, '/media/cenc/signaled-master.m3u8', keySystem);
    await untilRequests(page, 2);
    const named = await page.evaluate<string[]>(
      `window.player.levels[0].details.fragments[0].levelkeys['urn:uuid:${widevine.systemId}'].keyId.join()`,
    );
    expect(named).toBe([...Buffer.from(keyIds('cenc')[0] ?? '', 'hex')].join());
  });

  it('PlayReady in shaka-player: the licence URL is the tenant’s, read from our header', async () => {
    const keySystem = 'com.microsoft.playready';
    for (const manifest of ['signaled-master.m3u8', 'signaled.mpd']) {
      const tab = await openPlayerPage(browser, files.url, 'shaka-player', keySystem);
      await loadWithShaka(tab, `/media/cbcs/${manifest}`, keySystem, { server: false });
      await untilRequests(tab, 2);
      expect(await tab.evaluate('window.player.drmInfo().licenseServerUri')).toBe(LA_URL);
      await tab.close();
    }
  });

  it('ClearKey in shaka-player: the licence URL is key-delivery’s, read from our element', async () => {
    page = await openPlayerPage(browser, files.url, 'shaka-player', 'org.w3.clearkey');
    await loadWithShaka(page, '/media/cenc/clearkey.mpd', 'org.w3.clearkey', { server: false });
    const { requests } = await untilRequests(page, 2);
    expect(await page.evaluate('window.player.drmInfo().licenseServerUri')).toBe(
      `${system.deliveryUrl}/clearkey/default/played%20cenc`,
    );
    expect(requests.map(({ initData }) => Buffer.from(initData, 'base64').toString('hex', 32, 48)).sort()).toEqual(
      keyIds('cenc').sort(),
    );
  });

  it('FairPlay in hls.js: the skd URI leads from a track’s key ID to its session', async () => {
    page = await openPlayerPage(browser, files.url, 'hls.js', 'com.apple.fps');
    await loadWithHls(page, '/media/cbcs/signaled-master.m3u8', 'com.apple.fps');
    // It has met the keys of both playlists, as in Safari before the first segment is appended.
    await page.waitForFunction('window.player.emeController.mediaKeySessions.length === 2');
    for (const [at, track] of (['VIDEO', 'AUDIO'] as const).entries()) {
      const sinf = mp4Boxes(readFileSync(join(work, 'cbcs', `${track}.mp4`))).find(({ type }) => type === 'sinf');
      await announceSinf(page, sinf?.bytes ?? Buffer.alloc(0));
      await untilRequests(page, at + 1);
    }
    const { requests } = await recordedCdm(page);
    for (const request of requests) expect(request).toMatchObject({ keySystem: 'com.apple.fps', initDataType: 'sinf' });
    expect(await sessionUris(page)).toEqual(keysOf.get('cbcs')?.map(({ keyId }) => `skd://${keyId}`));
  });

  it('FairPlay in shaka-player: finds key system, scheme, skd URIs and key IDs', async () => {
    page = await openPlayerPage(browser, files.url, 'shaka-player', 'com.apple.fps');
    await loadWithShaka(page, '/media/cbcs/signaled-master.m3u8', 'com.apple.fps');
    await page.waitForFunction('window.player.drmInfo() !== null');
    const { accesses } = await recordedCdm(page);
    expect(accesses.find(({ keySystem }) => keySystem === 'com.apple.fps')?.schemes).toEqual(['cbcs', 'cbcs']);
    expect(await skdUris(page)).toEqual(keysOf.get('cbcs')?.map(({ keyId }) => `skd://${keyId}`));
    expect(await keyIdsOf(page)).toEqual(keyIds('cbcs'));
  });

  /** Asks, packages and writes manifests as an encryptor would. */
  async function present(scheme: 'cenc' | 'cbcs', clip: string, encryptor: Encryptor): Promise<void> {
    const directory = join(work, scheme);
    mkdirSync(directory);
    const [video, audio] = [randomUUID(), randomUUID()];
    const answer = await answered(system, encryptor, {
      version: '2.0',
      contentId: `played ${scheme}`,
      keys: [
        { keyId: video, scheme, trackType: 'VIDEO' },
        { keyId: audio, scheme, trackType: 'AUDIO', filters: ['<cpix:AudioFilter/>'] },
      ],
      systems: [...HLS_SYSTEMS[scheme], clearKey, common],
    });
    const keys = [trackKey(answer, 'VIDEO', video), trackKey(answer, 'AUDIO', audio)];
    await packageClip(clip, directory, { scheme, keys, boxes: boxesOf(answer) });
    signalManifests(directory, answer, keys, {
      hls: HLS_SYSTEMS[scheme].map(({ systemId }) => systemId),
      dash: [widevine.systemId, playready.systemId],
      clearKey: [clearKey.systemId, common.systemId],
    });
    answers.set(scheme, answer);
    keysOf.set(scheme, keys);
  }

  function boxes(scheme: string, systemId: string): string[] {
    return (answers.get(scheme)?.systems ?? [])
      .filter((each) => each.systemId === systemId)
      .map(({ items }) => items.get('PSSH') ?? '');
  }

  function keyIds(scheme: string): string[] {
    return (keysOf.get(scheme) ?? []).map(({ keyId }) => keyId.replaceAll('-', ''));
  }
});

function expectOurBoxes(
  requests: ReadonlyArray<{ keySystem: string; initDataType: string; initData: string }>,
  keySystem: string,
  ours: readonly string[],
): void {
  for (const request of requests) expect(request).toMatchObject({ keySystem, initDataType: 'cenc' });
  expect([...new Set(requests.map(({ initData }) => initData))].sort()).toEqual([...ours].sort());
}

/** What hls.js has sessions for. */
function sessionUris(page: Page): Promise<string[]> {
  return page.evaluate('Object.keys(window.player.emeController.sessionSetupByUri)');
}

/** The asset URIs that shaka-player has found for video and audio. */
function skdUris(page: Page): Promise<string[]> {
  return page.evaluate(
    `(() => {
      const [variant] = window.player.getManifest().variants;
      return [variant.video, variant.audio].flatMap(({ drmInfos }) =>
        drmInfos.filter(({ keySystem }) => keySystem === 'com.apple.fps').flatMap(({ keySystemUris }) => [...keySystemUris]));
    })()`,
  );
}

/** The key IDs that shaka-player has found for video and audio. */
function keyIdsOf(page: Page): Promise<string[]> {
  return page.evaluate(
    `(() => {
      const [variant] = window.player.getManifest().variants;
      return [variant.video, variant.audio].flatMap((stream) => [...stream.keyIds]);
    })()`,
  );
}
