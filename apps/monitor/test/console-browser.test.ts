import { createHash, randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exchangeCompleted, exchangeRejected, keyIssued } from '@latchkey/messages';
import { eventually, temporaryDirectory, spekeFixture } from '@latchkey/testing';
import type { Browser, Page } from 'playwright-core';
import { browserMissing, launchBrowser } from './browser';
import { describeWith } from './describe-with';
import { startMonitorAtTest, type MonitorAtTest } from './monitor-at-test';
import { OidcIssuer } from './oidc-issuer';
import { completed, issued, newKeyId } from './sample-events';

const built = existsSync(join(__dirname, '..', 'dist', 'web', 'index.html'));
const missing = browserMissing() ?? (built ? undefined : 'the console is not built (npm run build)');
const TOKEN = `auditor-${randomUUID()}`;

describeWith(missing)('the console in Chromium', () => {
  let monitor: MonitorAtTest;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    const file = join(temporaryDirectory(), 'access.yaml');
    const sha256 = createHash('sha256').update(TOKEN).digest('hex');
    writeFileSync(file, JSON.stringify({ tokens: [{ id: 'ada', sha256, roles: ['auditor', 'operator'] }] }));
    monitor = await startMonitorAtTest({ CONSOLE_ACCESS_FILE: file });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await monitor.close();
  });
  beforeEach(async () => {
    faults.length = 0;
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    context.setDefaultTimeout(100_000);
    page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(String(error)));
    await page.goto(monitor.url);
  });
  afterEach(async () => {
    await page.context().close();
    // Nothing that the policy forbids was tried, and nothing broke.
    expect(faults).toEqual([]);
  });

  const signIn = async () => {
    await page.getByLabel('Token', { exact: true }).fill(TOKEN);
    await page.getByRole('button', { name: 'Sign in with the token' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  };
  const open = (name: string) => page.getByRole('link', { name, exact: false }).first().click();

  it('asks for a token, says no to a wrong one, and forgets it at sign-out', async () => {
    await page.getByLabel('Token', { exact: true }).fill('wrong');
    await page.getByRole('button', { name: 'Sign in with the token' }).click();
    await page.getByText('This token is not known').waitFor();
    faults.length = 0; // Chromium reports the 401.
    await signIn();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token', { exact: true }).waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
    expect(await page.context().cookies()).toEqual([]);
  });

  it('signs in with an OIDC issuer, by authorization code and PKCE', async () => {
    const issuer = await OidcIssuer.start();
    issuer.claims = { sub: 'grace', roles: ['ops'] };
    const oidc = { issuer: issuer.url, audience: 'console', clientId: 'latchkey-console', roles: { ops: 'operator' } };
    const guarded = await startMonitorAtTest({ CONSOLE_ACCESS: JSON.stringify({ oidc }) });
    await page.goto(guarded.url);
    await page.getByRole('button', { name: /^Sign in with 127/ }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByText('oidc:grace (operator)').waitFor();
    expect(new URL(page.url()).search).toBe('');
    expect(await page.getByRole('link', { name: 'Ledger' }).count()).toBe(0);
    await page.goto('about:blank');
    await guarded.close();
    issuer.close();
  });

  it('shows within seconds which endpoint missed its rotation, its last key ID, and its exchange hop by hop', async () => {
    const [contentId, keyId, exchangeId] = ['channel-7/hls', newKeyId(), randomUUID()];
    await signIn();
    await open('Rotation');
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000);
    for (const [index, seconds] of [
      [1, 30],
      [2, 20],
    ] as const) {
      await monitor.others.publish(keyIssued, issued({ contentId, index, time: ago(seconds) }));
    }
    const last = { contentId, exchangeId, keyIds: [keyId], time: ago(10) };
    await monitor.others.publish(keyIssued, issued({ ...last, index: 3 }));
    await monitor.others.publish(exchangeCompleted, completed(last));

    const row = page.locator('tr', { hasText: contentId });
    await row.and(page.locator('[data-state=missed]')).waitFor();
    expect(await row.innerText()).toContain('overdue by');
    await expectAlert(page, contentId);
    await page.screenshot({ path: shot('rotation') });

    await row.getByRole('link', { name: keyId }).click();
    await page.getByRole('heading', { name: `In ${contentId}` }).waitFor();
    expect(await page.locator('main').innerText()).toMatch(/Tracks\s+VIDEO/);
    await page.screenshot({ path: shot('key') });

    await page
      .locator('dd')
      .getByRole('link', { name: exchangeId.slice(0, 8) })
      .click();
    await page.locator('[data-hop="keys.v1.issue"]').waitFor();
    expect(await page.locator('[data-hop]').count()).toBe(3);
    await page.screenshot({ path: shot('exchange') });
  });

  it('counts live what happens', async () => {
    await signIn();
    const cell = page
      .locator('tr', { has: page.getByRole('rowheader', { name: 'Rejected' }) })
      .locator('td')
      .first();
    const before = Number(await cell.innerText());
    const event = completed({ contentId: 'wrong' });
    await monitor.others.publish(exchangeRejected, {
      ...event,
      type: exchangeRejected.type,
      data: { ...event.data, status: 422, code: 'MISSING_CPIX_VERSION' },
    });
    await eventually(async () => (Number(await cell.innerText()) === before + 1 ? true : undefined));
    await page.getByText('MISSING_CPIX_VERSION').first().waitFor();
    await page.screenshot({ path: shot('overview'), fullPage: true });
  });

  // promise 9
  it('decodes a document, names its faults with their places, and shows no key', async () => {
    const key = 'AAECAwQFBgcICQoLDA0ODw==';
    await signIn();
    await open('CPIX inspector');
    const secret = `<cpix:Data><pskc:Secret><pskc:PlainValue>${key}</pskc:PlainValue></pskc:Secret></cpix:Data>`;
    const answered = spekeFixture('v2/docs_live_three_drms.xml')
      .toString()
      .replace(/(<cpix:ContentKey\s[^>]*?)\s*(\/>|><\/cpix:ContentKey>)/, `$1>${secret}</cpix:ContentKey>`)
      .replace(/ version="2.3"/, '');
    expect(answered).toContain(key);
    await page.getByLabel('CPIX document').fill(answered);
    await page.getByRole('button', { name: 'Inspect' }).click();
    await page.getByText('MISSING_CPIX_VERSION').waitFor();
    expect(await page.content()).not.toContain(key);
    expect(await page.getByLabel('CPIX document').inputValue()).not.toContain(key);
    await page.getByText('clear (masked)').waitFor();
    await page.screenshot({ path: shot('inspector'), fullPage: true });
  });

  it('can be gone through by keyboard, and read by a screen reader', async () => {
    await signIn();
    await page.goto(monitor.url);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Skip to the page');
    const reached: string[] = [];
    for (let n = 0; n < 14; n++) {
      await page.keyboard.press('Tab');
      reached.push(await focused(page));
    }
    for (const name of ['Overview', 'Rotation', 'Key search', 'Exchanges', 'CPIX inspector', 'Ledger']) {
      expect(reached.join('|')).toContain(name);
    }
    for (const landmark of ['banner', 'navigation', 'main'] as const) {
      expect(await page.getByRole(landmark).count()).toBeGreaterThan(0);
    }
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
  });

  it('shows itself light and dark', async () => {
    await signIn();
    const background = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await background();
    await page.getByRole('button', { name: 'Show it dark' }).click();
    expect(await background()).not.toBe(light);
    await page.screenshot({ path: shot('overview-dark') });
  });

  it('lets an auditor verify the chains, and an operator see what shredding would take', async () => {
    await signIn();
    await open('Ledger');
    await page.getByRole('button', { name: 'Verify the chains' }).click();
    await page.getByText('The ledger is whole').waitFor();
    await page.screenshot({ path: shot('ledger') });
  });

  it('says which parts work', async () => {
    await signIn();
    await open('Health of parts');
    await page.locator('[data-part=ledger][data-state=works]').waitFor();
    await page.locator('[data-part=key-service][data-state=absent]').waitFor();
    await page.screenshot({ path: shot('health') });
  });
});

const SHOTS = process.env['SCREENSHOTS'] ?? temporaryDirectory();
const shot = (name: string) => join(SHOTS, `${name}.png`);

async function expectAlert(page: Page, contentId: string): Promise<void> {
  const alert = page.getByRole('alert').filter({ hasText: contentId });
  await alert.first().waitFor({ state: 'attached' });
}

function focused(page: Page): Promise<string> {
  return page.evaluate(
    'document.activeElement.innerText || document.activeElement.getAttribute("aria-label") || ""',
  ) as Promise<string>;
}
