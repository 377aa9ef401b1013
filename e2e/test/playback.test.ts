import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { eventually } from '@latchkey/testing';
import { launchChromium } from './chromium';
import { ManagedProcess } from './managed-process';
import { describeWith } from './parts';

const DEMO = join(__dirname, '../../tools/demo/main.mjs');
const PRESENTATIONS = [
  [0, 'HLS AES-128 with hls.js', 'GET'],
  [1, 'DASH ClearKey cenc with shaka-player', 'POST'],
  [2, 'HLS fMP4 cenc with shaka-player', 'GET'],
  [3, 'DASH ClearKey cbcs with shaka-player', 'POST'],
  [4, 'HLS fMP4 cbcs with shaka-player', 'GET'],
] as const;

/** `npm run demo` itself: a clip packaged with keys that came over SPEKE, played in a browser with keys from key-delivery. */
describeWith(['ffmpeg', 'shaka-packager', 'chromium'])('a player in a browser', () => {
  let demo: ManagedProcess;
  let browser: Browser;
  let page: Page;
  let url: string;

  beforeAll(async () => {
    demo = new ManagedProcess({
      name: 'demo',
      command: process.execPath,
      args: [DEMO, '--port', '0'],
      environment: { LOG_LEVEL: 'warn' },
    });
    browser = await launchChromium();
    await eventually(() => {
      if (!demo.running) throw new Error(`the demo ended:\n${demo.output}`);
      return demo.output.includes('Ctrl-C');
    });
    url = /http:\/\/127\.0\.0\.1:\d+/.exec(demo.output)?.[0] ?? '';
  });
  afterAll(async () => {
    await browser.close();
    await demo.kill('SIGTERM');
  });

  beforeEach(async () => {
    page = await open(url);
  });
  afterEach(() => page.close());

  it.each(PRESENTATIONS)('%i, %s: plays with a token', async (presentation, _, method) => {
    await play(presentation, 'right');
    await page.waitForFunction('video.currentTime > 2');
    expect(await state()).toBe('playing');
    const requests = await keyRequests();
    expect(requests.length).toBeGreaterThan(0);
    for (const request of requests) expect(request).toMatch(new RegExp(`^${method} .* → 200 `));
    await saveScreenshot(presentation);
  });

  it.each([
    ['none', 'The request carries no token (401 token-missing)'],
    ['forged', 'The signature of the token does not verify (401 token-invalid)'],
    ['expired', 'The token has expired (exp) (401 token-expired)'],
    ['other', 'The token does not name this content (403 content-not-granted)'],
  ])('stops with a clear message when the token is: %s', async (token, message) => {
    for (const [presentation] of PRESENTATIONS) {
      await play(presentation, token);
      await page.waitForFunction(`document.body.dataset.state === 'refused'`);
      expect(await page.textContent('#status')).toBe(`Refused: ${message}.`);
      expect(await page.evaluate('video.currentTime')).toBe(0);
    }
  });

  // promise 38
  it('gets nothing on a page of another origin, token or not', async () => {
    await page.close();
    page = await open(url.replace('127.0.0.1', 'localhost'));
    for (const presentation of [0, 1]) {
      await play(presentation, 'right');
      await page.waitForFunction(`document.body.dataset.state === 'refused'`);
      expect(await page.evaluate('video.currentTime')).toBe(0);
    }
  });

  // Last: what is revoked stays revoked.
  it('stops at the next segment whose key has been revoked', async () => {
    await play(0, 'right');
    await page.waitForFunction('video.currentTime > 0.5');
    await page.click('#revoke');
    await page.waitForFunction(`document.body.dataset.state === 'refused'`);
    expect(await page.textContent('#status')).toBe('Refused: There is no such key (404 key-not-found).');
    const stoppedAt = await page.evaluate<number>('video.currentTime');
    expect(stoppedAt).toBeGreaterThan(0);
    expect(stoppedAt).toBeLessThan(await page.evaluate<number>('video.duration'));
    const answers = (await keyRequests()).map((request) => request.replace(/.* → /, ''));
    // How many segments it had before is a matter of time.
    expect(answers.pop()).toBe('404 key-not-found');
    expect(new Set(answers)).toEqual(new Set(['200 16 bytes']));
  });

  async function open(address: string): Promise<Page> {
    const opened = await browser.newPage({ viewport: { width: 1200, height: 720 } });
    opened.setDefaultTimeout(100_000);
    await opened.goto(address);
    await opened.waitForSelector('body[data-ready]');
    return opened;
  }

  async function play(presentation: number, token: string): Promise<void> {
    await page.check(`input[name=presentation][value="${presentation}"]`);
    await page.check(`input[name=token][value=${token}]`);
    await page.click('#play');
  }

  function state(): Promise<string> {
    return page.evaluate('document.body.dataset.state');
  }

  function keyRequests(): Promise<string[]> {
    return page.evaluate(`[...document.querySelectorAll('#requests li')].map((line) => line.textContent)`);
  }

  /** For the README, when it is to be made anew. */
  async function saveScreenshot(presentation: number): Promise<void> {
    const folder = process.env['SCREENSHOTS'];
    if (!folder || presentation !== 0) return;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, 'demo.png') });
  }
});
