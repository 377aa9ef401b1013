import { createHmac } from 'node:crypto';
import { body, json, keyPath, startDelivery, type RunningDelivery } from './delivery';
import { someKeyId, someSecret } from './key-answerer';

const old = someSecret();
const current = someSecret();
const secrets = [
  { kid: 'k1', secret: old.secret },
  { kid: 'k2', secret: current.secret },
];

let delivery: RunningDelivery;
beforeAll(async () => {
  delivery = await startDelivery({
    urls: { entitlement: { mode: 'signed-url', secrets } },
    bound: { entitlement: { mode: 'signed-url', secrets, bindAddress: true }, cacheSeconds: 0 },
    few: { entitlement: { mode: 'signed-url', secrets }, rateLimit: { perTokenPerMinute: 2 } },
    cookies: { entitlement: { mode: 'signed-cookie', secrets, cookie: 'play' } },
  });
});
afterAll(() => delivery.close());

const now = () => Math.floor(Date.now() / 1_000);

/** As docs/delivery.md says, and not by the server's own code. */
function hmac(secret: string, ...lines: (string | number)[]): string {
  return createHmac('sha256', Buffer.from(secret, 'base64url')).update(lines.join('\n')).digest('base64url');
}

function signedQuery(
  contentId: string,
  kid: string,
  {
    tenant = 'urls',
    expires = now() + 60,
    signer = 'k2',
    secret = current.secret,
    address = '',
    scope = kid === '*' ? '&scope=content' : '',
  } = {},
): string {
  const signature = hmac(secret, 'latchkey-url-v1', tenant, encodeURIComponent(contentId), kid, expires, address);
  return `?expires=${expires}&signer=${signer}&signature=${signature}${scope}`;
}

function cookie(
  pattern: string,
  { tenant = 'cookies', expires = now() + 60, signer = 'k2', secret = current.secret } = {},
) {
  const signature = hmac(secret, 'latchkey-cookie-v1', tenant, encodeURIComponent(pattern), '*', expires, '');
  return `play=${signer}.${expires}.${Buffer.from(pattern).toString('base64url')}.${signature}`;
}

// promise 36
describe('a signed URL', () => {
  const contentId = 'series/1 ü';
  const get = (tenant: string, keyId: string, query: string) =>
    fetch(`${delivery.url}${keyPath(tenant, contentId, keyId)}${query}`);

  it('gets its key, and a CDN may keep it as long as the signature lasts', async () => {
    const keyId = someKeyId();
    const key = delivery.answerer.put('urls', contentId, keyId);
    const response = await get('urls', keyId, signedQuery(contentId, keyId));
    expect(response.status).toBe(200);
    const [, seconds] = /^public, max-age=(\d+), immutable$/.exec(response.headers.get('cache-control') ?? '') ?? [];
    expect(Number(seconds)).toBeGreaterThan(50);
    expect(Number(seconds)).toBeLessThanOrEqual(60);
    expect((await body(response)).equals(key)).toBe(true);
  });

  it('lets nobody keep a key past the key’s own end', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('urls', contentId, keyId, Date.now() + 30_000);
    const response = await get('urls', keyId, signedQuery(contentId, keyId));
    expect(response.headers.get('cache-control')).toMatch(/^public, max-age=(30|[12]\d), immutable$/);
  });

  it('may be made with any of the secrets, so that they can change', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('urls', contentId, keyId);
    const response = await get('urls', keyId, signedQuery(contentId, keyId, { signer: 'k1', secret: old.secret }));
    expect(response.status).toBe(200);
  });

  it('for the content gets all its keys, and licences', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('urls', contentId, keyId);
    const query = signedQuery(contentId, '*');
    expect((await get('urls', keyId, query)).status).toBe(200);
    const license = await fetch(`${delivery.url}/clearkey/urls/${encodeURIComponent(contentId)}${query}`, {
      method: 'POST',
      body: JSON.stringify({ kids: [Buffer.from(keyId.replaceAll('-', ''), 'hex').toString('base64url')] }),
    });
    expect(license.status).toBe(200);
    expect(license.headers.get('cache-control')).toBe('private, no-store');
  });

  it('works so often a minute, whoever uses it; another one is not held back by it', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('few', contentId, keyId);
    const [one, other] = [60, 61].map((seconds) =>
      signedQuery(contentId, keyId, { tenant: 'few', expires: now() + seconds }),
    ) as [string, string];
    const statuses = [];
    for (const query of [one, one, one, other]) statuses.push((await get('few', keyId, query)).status);
    expect(statuses).toEqual([200, 200, 429, 200]);
  });

  it('bound to an address works from there only', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('bound', contentId, keyId);
    const query = (address: string) => signedQuery(contentId, keyId, { tenant: 'bound', address });
    expect((await get('bound', keyId, query('127.0.0.1'))).status).toBe(200);
    expect((await get('bound', keyId, query('198.51.100.7'))).status).toBe(403);
  });

  const keyId = someKeyId();
  it.each([
    ['none', '', 'signature-missing'],
    ['for another key', signedQuery(contentId, someKeyId()), 'signature-invalid'],
    ['for another content', signedQuery('series/2', keyId), 'signature-invalid'],
    ['for another tenant', signedQuery(contentId, keyId, { tenant: 'bound' }), 'signature-invalid'],
    [
      'for one key, said to be for the content',
      signedQuery(contentId, keyId, { scope: '&scope=content' }),
      'signature-invalid',
    ],
    ['for the content, not said so', signedQuery(contentId, '*', { scope: '' }), 'signature-invalid'],
    ['of another scope', signedQuery(contentId, keyId, { scope: '&scope=all' }), 'signature-malformed'],
    ['by an unknown signer', signedQuery(contentId, keyId, { signer: 'k3' }), 'signature-invalid'],
    ['by another secret', signedQuery(contentId, keyId, { secret: someSecret().secret }), 'signature-invalid'],
    ['expired', signedQuery(contentId, keyId, { expires: now() - 1 }), 'signature-expired'],
    [
      'whose expiry was moved',
      signedQuery(contentId, keyId).replace(/expires=\d+/, `expires=${now() + 999}`),
      'signature-invalid',
    ],
    ['with no expiry', signedQuery(contentId, keyId).replace(/expires=\d+&/, ''), 'signature-malformed'],
    [
      'with an expiry that is no number',
      signedQuery(contentId, keyId, { expires: '9e9' as never }),
      'signature-malformed',
    ],
    ['too short', '?expires=9999999999&signer=k2&signature=AAAA', 'signature-malformed'],
    ['twice', `${signedQuery(contentId, keyId)}&signature=x`, 'signature-malformed'],
    ['in another spelling', `${signedQuery(contentId, keyId)}=`, 'signature-malformed'],
  ])('is refused: %s', async (_, query, code) => {
    delivery.answerer.put('urls', contentId, keyId);
    const response = await get('urls', keyId, query);
    expect(response.status).toBe(403);
    expect((await json(response)).code).toBe(code);
  });
});

describe('a signed cookie', () => {
  const get = (contentId: string, keyId: string, header: string) =>
    fetch(`${delivery.url}${keyPath('cookies', contentId, keyId)}`, { headers: { cookie: header } });

  it('opens the contents that its pattern fits, and nobody keeps the key', async () => {
    const keyId = someKeyId();
    const key = delivery.answerer.put('cookies', 'series/1/hd', keyId);
    for (const header of [
      cookie('series/*'),
      `a=b; ${cookie('*')}`,
      cookie('series/1/hd'),
      `${cookie('x')}; ${cookie('series/*')}`,
    ]) {
      const response = await get('series/1/hd', keyId, header);
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toBe('private, no-store');
      expect((await body(response)).equals(key)).toBe(true);
    }
  });

  const url = signedQuery('movie', '*', { tenant: 'cookies' });
  it.each([
    ['none', '', 'signature-missing'],
    ['for another content', cookie('film'), 'content-not-granted'],
    ['expired', cookie('*', { expires: now() - 1 }), 'signature-expired'],
    ['by another secret', cookie('*', { secret: old.secret }), 'signature-invalid'],
    ['for another tenant', cookie('*', { tenant: 'urls' }), 'signature-invalid'],
    [
      'whose pattern was changed',
      cookie('film').replace(/\.[^.]+(\.[^.]+)$/, `.${Buffer.from('*').toString('base64url')}$1`),
      'signature-invalid',
    ],
    [
      'made of a URL’s signature',
      `play=k2.${/expires=(\d+)/.exec(url)?.[1]}.${Buffer.from('movie').toString('base64url')}.${/signature=([^&]+)/.exec(url)?.[1]}`,
      'signature-invalid',
    ],
    ['of three parts', 'play=k2.1.AA', 'signature-malformed'],
  ])('is refused: %s', async (_, header, code) => {
    const response = await get('movie', someKeyId(), header);
    expect(response.status).toBe(403);
    expect((await json(response)).code).toBe(code);
  });
});
