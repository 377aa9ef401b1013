import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tokenCommand } from '../src/token/command';
import { keyPath, startDelivery, type RunningDelivery } from './delivery';
import { someKeyId, someSecret } from './key-answerer';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const named = { kid: 'k1', secret: someSecret().secret };
const jwt = { mode: 'jwt', issuer: 'https://login.example.com', audience: 'keys' };

let folder: string;
let delivery: RunningDelivery;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-token-'));
  writeFileSync(join(folder, 'private.pem'), ec.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const pem = ec.publicKey.export({ type: 'spki', format: 'pem' });
  delivery = await startDelivery({
    hs: { entitlement: { ...jwt, algorithms: ['HS256'], secrets: [named], requireKids: true } },
    es: { entitlement: { ...jwt, audience: 'es', algorithms: ['ES256'], publicKeys: [{ pem }], type: 'play+jwt' } },
    urls: { entitlement: { mode: 'signed-url', secrets: [named] } },
    cookies: { entitlement: { mode: 'signed-cookie', secrets: [named] } },
    open: {},
  });
});
afterAll(async () => {
  await delivery.close();
  rmSync(folder, { recursive: true });
});

const run = (...args: string[]) => tokenCommand(args, { TENANTS_FILE: delivery.tenantsFile });
const firstLine = (text: string) => text.split('\n')[0] as string;

describe('npm run token', () => {
  it.each<[string, (keyId: string) => string[], (minted: string) => [string, Record<string, string>]]>([
    ['hs', (keyId) => ['--content', 'film', '--kid', keyId], (token) => ['', { authorization: `Bearer ${token}` }]],
    [
      'es',
      () => ['--content', 'fi*', '--private-key', join(folder, 'private.pem')],
      (token) => [`?token=${token}`, {}],
    ],
    ['urls', (keyId) => ['--content', 'film', '--kid', keyId], (query) => [query, {}]],
    ['urls', () => ['--content', 'film'], (query) => [query, {}]],
    ['cookies', () => ['--content', '*m'], (cookie) => ['', { cookie }]],
  ])('mints for tenant %s what its delivery takes', async (tenant, args, use) => {
    const keyId = someKeyId();
    delivery.answerer.put(tenant, 'film', keyId);
    const minted = firstLine(await run('mint', '--tenant', tenant, ...args(keyId)));
    const [query, headers] = use(minted);
    expect((await fetch(`${delivery.url}${keyPath(tenant, 'film', keyId)}${query}`, { headers })).status).toBe(200);

    const explained = await run('explain', minted, '--tenant', tenant, '--content', 'film', '--kid', keyId);
    expect(explained).toContain(`Let in: key ${keyId} of content "film", until `);
    expect(await run('explain', minted, '--tenant', tenant, '--content', 'other')).toContain('Refused: 403 ');
  });

  it('explains claims, times and what is wrong', async () => {
    const minted = firstLine(
      await run(
        'mint',
        '--tenant',
        'hs',
        '--content',
        'film',
        '--kid',
        someKeyId(),
        '--subject',
        'viewer-7',
        '--expires',
        '90s',
      ),
    );
    const explained = await run('explain', minted, '--tenant', 'hs', '--content', 'other');
    expect(explained).toContain('sub: "viewer-7"');
    expect(explained).toMatch(/exp: \d{4}-.*Z \((89|90) s from now\)/);
    expect(explained).toContain('Refused: 403 content-not-granted. The token does not name this content.');
    expect(await run('explain', 'junk', '--tenant', 'hs', '--content', 'film')).toContain(
      'Refused: 401 token-malformed',
    );
  });

  it.each([
    [['mint', '--tenant', 'open', '--content', 'film'], 'no token is needed'],
    [['mint', '--tenant', 'es', '--content', 'film'], '--private-key'],
    [['mint', '--tenant', 'nobody', '--content', 'film'], 'there is no tenant nobody'],
    [['mint'], 'npm run token'],
    [[], 'npm run token'],
    [['mint', '--content', 'film', '--tenant', 'hs', '--expires', 'soon'], '--expires is like'],
    [['mint', '--what'], '--what'],
    [['mint', '--content', 'film', '--kid', '7'], '--kid 7: a key ID is a UUID'],
    [['mint', '--content', 'film', '--tenant', 'es', '--private-key', 'nowhere.pem'], '--private-key: ENOENT'],
  ])('says what is missing: %j', async (args, text) => {
    await expect(run('--tenant', 'hs', ...args)).rejects.toThrow(text);
  });

  it('says how it is used to who asks', async () => {
    expect(await run('--help')).toContain('npm run token -- mint');
  });
});
