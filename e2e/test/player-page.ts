import { dirname, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';

/** What a player asked of the CDM. */
export interface RecordedCdm {
  readonly accesses: ReadonlyArray<{ keySystem: string; schemes: string[] }>;
  /** `initData` is base64. */
  readonly requests: ReadonlyArray<{ keySystem: string; initDataType: string; initData: string }>;
  readonly errors: readonly string[];
}

/** Where the players' own files are. */
export const PLAYERS = {
  hls: dirname(require.resolve('hls.js/dist/hls.js')),
  shaka: dirname(require.resolve('shaka-player/dist/shaka-player.compiled.js')),
} as const;

/** An empty page with a video element, the recording CDM and one player's script. */
export async function openPlayerPage(
  browser: Browser,
  baseUrl: string,
  player: 'hls.js' | 'shaka-player',
  keySystem: string,
): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(100_000);
  await page.addInitScript({ path: join(__dirname, 'recording-cdm.js') });
  await page.route('**/player.html*', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><video id="video" muted></video>' }),
  );
  await page.route('**/license', (route) => route.fulfill({ body: 'licence' }));
  await page.goto(`${baseUrl}/player.html?accept=${keySystem}`);
  await page.addScriptTag({
    url: player === 'hls.js' ? `${baseUrl}/hls/hls.js` : `${baseUrl}/shaka/shaka-player.compiled.js`,
  });
  return page;
}

/** Loads a playlist with hls.js, with a licence server configured for the one key system. */
export async function loadWithHls(page: Page, playlist: string, keySystem: string): Promise<void> {
  await page.evaluate(
    `(() => {
      const player = new Hls({
        emeEnabled: true,
        drmSystems: { '${keySystem}': { licenseUrl: '/license' } },
      });
      player.on(Hls.Events.ERROR, (_, { type, details, error }) =>
        window.recordedCdm.errors.push([type, details, error?.message].join(' ')));
      player.loadSource('${playlist}');
      player.attachMedia(document.getElementById('video'));
      window.player = player;
    })()`,
  );
}

/** Loads a manifest with shaka-player; without `server` it leaves the licence URL to the signaling. */
export async function loadWithShaka(
  page: Page,
  manifest: string,
  keySystem: string,
  { server = true }: { server?: boolean } = {},
): Promise<void> {
  await page.evaluate(
    `(async () => {
      const player = new shaka.Player();
      window.player = player;
      player.addEventListener('error', ({ detail }) => window.recordedCdm.errors.push(String(detail.code)));
      await player.attach(document.getElementById('video'));
      player.configure({
        drm: {
          servers: ${server} ? { '${keySystem}': location.origin + '/license' } : {},
          advanced: { '${keySystem}': { serverCertificate: new Uint8Array([1]) } },
        },
      });
      player.load('${manifest}').catch((error) => window.recordedCdm.errors.push('load ' + error.code + ' ' + error.data));
    })()`,
  );
}

export function recordedCdm(page: Page): Promise<RecordedCdm> {
  return page.evaluate('window.recordedCdm');
}

/**
 * Says to the player what Safari says when it meets a track that is protected with cbcs: an `encrypted` event with the
 * inside of the track's own `sinf` box in JSON.
 */
export async function announceSinf(page: Page, sinf: Buffer): Promise<void> {
  const json = JSON.stringify({ sinf: [sinf.subarray(8).toString('base64')] });
  await page.evaluate(
    `(() => {
      const initData = new TextEncoder().encode(${JSON.stringify(json)}).buffer;
      const event = Object.assign(new Event('encrypted'), { initDataType: 'sinf', initData });
      document.getElementById('video').dispatchEvent(event);
    })()`,
  );
}

/** Until the CDM was handed so many different init data; throws with what was recorded. */
export async function untilRequests(page: Page, count: number): Promise<RecordedCdm> {
  const script = `new Set(window.recordedCdm.requests.map((each) => each.initData)).size >= ${count}`;
  try {
    await page.waitForFunction(script);
  } catch {
    throw new Error(`the player did not ask the CDM ${count} times: ${JSON.stringify(await recordedCdm(page))}`);
  }
  return recordedCdm(page);
}
