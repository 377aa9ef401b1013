import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { eventually, temporaryDirectory } from '@latchkey/testing';
import { launchChromium } from './chromium';
import { describeWith } from './parts';
import { startServices, type System } from './system';

const ROOT = join(__dirname, '../..');
/** Where the pictures of docs/console.md come from: `SCREENSHOTS=docs/images`. */
const SCREENSHOTS = process.env['SCREENSHOTS'] ?? temporaryDirectory();
const DROPPED = 'live-02-cmaf-cbcs';

describeWith(['chromium', 'nats-server'])('watching encryptors in the console', () => {
  let system: System;
  let browser: Browser;
  let page: Page;
  let simulator: Simulator;

  beforeAll(async () => {
    system = await startServices();
    simulator = simulate(system.spekeUrl);
    browser = await launchChromium();
    const context = await browser.newContext({ viewport: { width: 1360, height: 860 } });
    context.setDefaultTimeout(100_000);
    page = await context.newPage();
  });
  afterAll(async () => {
    await simulator.stop();
    await browser.close();
    await system.stop();
    system.removeData();
  });

  it('shows within seconds which endpoint missed its rotation, its last key ID, and that exchange hop by hop', async () => {
    await page.goto(`${system.consoleUrl}/rotation`);
    await page.locator('tr', { hasText: DROPPED }).and(page.locator('[data-state="on time"]')).waitFor();

    const droppedAt = await simulator.said(/DROPPED live-02-cmaf-cbcs: .* Its last key ID: (\S+)/);
    const keyId = droppedAt[1] ?? '';
    const row = page.locator('tr', { hasText: DROPPED });
    await row.and(page.locator('[data-state=missed]')).waitFor();
    expect(await row.innerText()).toContain('overdue by');
    // Others may be late on a busy machine, and are on time again.
    await eventually(async () => (await page.locator('tr[data-state=missed]').count()) === 1);
    await picture('rotation');

    await page.getByRole('link', { name: 'Key search' }).click();
    await page.getByLabel('Key ID').fill(keyId.toUpperCase().replaceAll('-', ''));
    await page.getByRole('button', { name: 'Look up' }).click();
    await page.getByRole('heading', { name: `In ${DROPPED}` }).waitFor();
    const facts = await page.locator('main').innerText();
    expect(facts).toMatch(/Tracks\s+VIDEO/);
    expect(facts).toMatch(/DRM systems\s+.*Widevine/);
    await picture('key');

    await page.locator('dd').getByRole('link', { name: /…$/ }).click();
    await page.locator('[data-hop="keys.v1.issue"]').waitFor();
    const hops = await page.locator('[data-hop]').allInnerTexts();
    expect(hops.join('\n')).toMatch(/Widevine[^]*PlayReady|PlayReady[^]*Widevine/);
    expect(await page.locator('main').innerText()).toContain('key.issued');
    await picture('exchange');
  });

  it('sees every part at work', async () => {
    await page.goto(`${system.consoleUrl}/health`);
    for (const part of [
      'bus',
      'ledger',
      'speke-gateway',
      'key-delivery',
      'key-service',
      'signaling-widevine',
      'signaling-playready',
      'signaling-fairplay',
      'signaling-clearkey',
    ]) {
      await page.locator(`[data-part=${part}][data-state=works]`).waitFor();
    }
    await picture('health');
  });

  it('counts what the simulator does', async () => {
    await page.goto(system.consoleUrl);
    await page.getByRole('rowheader', { name: 'Completed' }).waitFor();
    const completed = page
      .locator('tr', { has: page.getByRole('rowheader', { name: 'Completed' }) })
      .locator('td')
      .first();
    await eventually(async () => Number(await completed.innerText()) > 20);
    const rejected = page
      .locator('tr', { has: page.getByRole('rowheader', { name: 'Rejected' }) })
      .locator('td')
      .first();
    await eventually(async () => Number(await rejected.innerText()) > 0);
    await picture('overview');
    await page.getByRole('button', { name: 'Show it dark' }).click();
    await page.mouse.move(0, 0);
    await picture('overview-dark');
    expect(simulator.unexpected()).toEqual([]);
  });

  const picture = (name: string) => page.screenshot({ path: join(SCREENSHOTS, `console-${name}.png`) });
});

interface Simulator {
  /** Waits until it said something like that. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** Lines about answers that should not have been. */
  unexpected(): string[];
  stop(): Promise<void>;
}

function simulate(url: string): Simulator {
  const options = [
    '--endpoints',
    '6',
    '--period',
    '4s',
    '--vod-every',
    '3s',
    '--fault-every',
    '4s',
    '--play-every',
    '500ms',
  ];
  const drop = ['--drop', '17s', '--drop-for', '0', '--drop-content', DROPPED];
  const child: ChildProcess = spawn(process.execPath, [
    join(ROOT, 'tools/simulate/main.mjs'),
    '--url',
    url,
    ...options,
    ...drop,
  ]);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk));
  const gone = new Promise((done) => child.once('exit', done));
  return {
    said: async (pattern) => {
      return eventually(
        () => pattern.exec(output),
        () => `${pattern} in what the simulator says, ${output},`,
      );
    },
    unexpected: () => output.split('\n').filter((line) => line.includes('  ! ')),
    stop: async () => {
      child.kill('SIGTERM');
      await gone;
    },
  };
}
