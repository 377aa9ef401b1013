import { request } from 'node:http';
import { body, json, keyPath, startDelivery, type RunningDelivery } from './delivery';
import { down, someKeyId } from './key-answerer';

let delivery: RunningDelivery;
beforeAll(async () => {
  delivery = await startDelivery({ default: { entitlement: { mode: 'open' } } });
});
afterAll(() => delivery.close());

describe('an HLS key', () => {
  // promise 37
  it('is exactly its 16 bytes', async () => {
    const keyId = someKeyId();
    const key = delivery.answerer.put('default', 'movie', keyId);
    const response = await fetch(`${delivery.url}${keyPath('default', 'movie', keyId)}`, {
      headers: { 'accept-encoding': 'gzip, br', range: 'bytes=0-3' },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('content-length')).toBe('16');
    expect(response.headers.get('content-encoding')).toBeNull();
    expect(response.headers.get('cache-control')).toBe('private, no-store');
    expect((await body(response)).equals(key)).toBe(true);
  });

  // promises 31, 33
  it.each([
    'a/b',
    'a/../b',
    '..',
    '.',
    'a%2Fb',
    '100%',
    'a b+c?d#e&f;g',
    'канал-1/日本語/🎬',
    'a\nb',
    'x'.repeat(1024),
    'é'.repeat(512),
    '__proto__',
  ])('comes for content %j', async (contentId) => {
    const keyId = someKeyId();
    const key = delivery.answerer.put('default', contentId, keyId);
    const answer = await rawGet(keyPath('default', contentId, keyId));
    expect(answer.status).toBe(200);
    expect(answer.body.equals(key)).toBe(true);
  });

  it('comes whichever way its key ID is written', async () => {
    const keyId = someKeyId();
    const key = delivery.answerer.put('default', 'movie', keyId);
    for (const kid of [keyId.toUpperCase(), keyId.replaceAll('-', ''), keyId.replaceAll('-', '').toUpperCase()]) {
      const response = await fetch(`${delivery.url}${keyPath('default', 'movie', kid)}`);
      expect((await body(response)).equals(key)).toBe(true);
    }
  });

  it('is not there under another content or tenant', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('default', 'a#b', keyId);
    expect((await fetch(`${delivery.url}${keyPath('default', 'a', keyId)}`)).status).toBe(404);
    expect((await fetch(`${delivery.url}${keyPath('default', 'a#B', keyId)}`)).status).toBe(404);
    expect((await fetch(`${delivery.url}${keyPath('other', 'a#b', keyId)}`)).status).toBe(401);
  });

  it('answers HEAD like GET, without the key', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('default', 'movie', keyId);
    const response = await fetch(`${delivery.url}${keyPath('default', 'movie', keyId)}`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe('16');
    expect(await body(response)).toHaveLength(0);
    const absent = await fetch(`${delivery.url}${keyPath('default', 'movie', someKeyId())}`, { method: 'HEAD' });
    expect(absent.status).toBe(404);
  });

  it('has an ETag that spares a second transfer, for those who may have the key', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('default', 'movie', keyId);
    const url = `${delivery.url}${keyPath('default', 'movie', keyId)}`;
    const etag = (await fetch(url)).headers.get('etag') as string;
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const again = await fetch(url, { headers: { 'if-none-match': tag } });
      expect(again.status).toBe(304);
      expect(await body(again)).toHaveLength(0);
    }
    expect((await fetch(url, { headers: { 'if-none-match': '"x"' } })).status).toBe(200);
  });

  // promise 30
  it.each([
    ['/keys/default/movie', 404, 'not-found'],
    ['/keys/default/movie/not-a-kid', 400, 'invalid-key-id'],
    ['/keys/default/movie/extra/3b1e6c1a-6f2f-4e0e-9d53-9a2f4a3c1b11', 404, 'not-found'],
    ['/keys/DEFAULT/movie/3b1e6c1a-6f2f-4e0e-9d53-9a2f4a3c1b11', 400, 'invalid-tenant'],
    ['/keys/default//3b1e6c1a-6f2f-4e0e-9d53-9a2f4a3c1b11', 400, 'invalid-content-id'],
    [`/keys/default/${'x'.repeat(1025)}/3b1e6c1a-6f2f-4e0e-9d53-9a2f4a3c1b11`, 400, 'invalid-content-id'],
    ['/keys/default/%C3%28/3b1e6c1a-6f2f-4e0e-9d53-9a2f4a3c1b11', 400, undefined],
    ['/keys/default/%ZZ/3b1e6c1a-6f2f-4e0e-9d53-9a2f4a3c1b11', 400, undefined],
    ['/keys/', 404, 'not-found'],
    ['/keys/../../etc/passwd', 404, 'not-found'],
  ])('is refused cleanly at %s', async (path, status, code) => {
    const answer = await rawGet(path);
    expect(answer.status).toBe(status);
    expect(answer.type).toMatch(/^application\/problem\+json/);
    if (code) expect(JSON.parse(answer.body.toString()).code).toBe(code);
  });

  it('is not taken by other methods', async () => {
    const response = await fetch(`${delivery.url}${keyPath('default', 'movie', someKeyId())}`, { method: 'POST' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
  });

  // promise 23
  it('is 503 with Retry-After when key-service is away, and there again when it is back', async () => {
    const keyId = someKeyId();
    const key = delivery.answerer.put('default', 'movie', keyId);
    const url = `${delivery.url}${keyPath('default', 'movie', keyId)}`;
    delivery.answerer.before = down;
    const refused = await fetch(url);
    delivery.answerer.before = async () => undefined;
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('cache-control')).toBe('no-store');
    expect((await body(await fetch(url))).equals(key)).toBe(true);
  });
});

describe('a clear-key licence', () => {
  const b64url = (keyId: string) => Buffer.from(keyId.replaceAll('-', ''), 'hex').toString('base64url');
  const ask = (license: unknown, contentId = 'movie', type = 'application/json') =>
    fetch(`${delivery.url}/clearkey/default/${encodeURIComponent(contentId)}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: typeof license === 'string' ? license : JSON.stringify(license),
    });

  // promise 37
  it('is a JWK set with the keys that exist, the same as the HLS keys', async () => {
    const [one, two, absent] = [someKeyId(), someKeyId(), someKeyId()];
    const keys = [one, two].map((keyId) => delivery.answerer.put('default', 'movie', keyId));
    const response = await ask({ kids: [b64url(one), b64url(absent), b64url(two)], type: 'temporary' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(response.headers.get('cache-control')).toBe('private, no-store');
    expect(await response.json()).toEqual({
      keys: [one, two].map((keyId, at) => ({
        kty: 'oct',
        k: (keys[at] as Buffer).toString('base64url'),
        kid: b64url(keyId),
      })),
      type: 'temporary',
    });
    const hls = await fetch(`${delivery.url}${keyPath('default', 'movie', one)}`);
    expect((await body(hls)).equals(keys[0] as Buffer)).toBe(true);
  });

  it('comes whatever media type a player sends', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('default', 'movie', keyId);
    for (const type of ['application/json', 'application/octet-stream', 'text/plain;charset=UTF-8']) {
      expect((await ask({ kids: [b64url(keyId)] }, 'movie', type)).status).toBe(200);
    }
  });

  it('is 404 when none of its keys exists', async () => {
    expect((await ask({ kids: [b64url(someKeyId())] })).status).toBe(404);
  });

  it.each([
    ['not JSON', '{'],
    ['empty', ''],
    ['without kids', { type: 'temporary' }],
    ['with no kid', { kids: [] }],
    ['with a kid of 15 bytes', { kids: ['AAAAAAAAAAAAAAAAAAAA'] }],
    ['with padding', { kids: ['AAAAAAAAAAAAAAAAAAAAAA=='] }],
    ['with too many kids', { kids: Array(65).fill('AAAAAAAAAAAAAAAAAAAAAA') }],
    ['of another type', { kids: ['AAAAAAAAAAAAAAAAAAAAAA'], type: 'persistent-usage-record' }],
    ['a list', []],
    ['null', 'null'],
  ])('is refused %s', async (_, license) => {
    const response = await ask(license);
    expect(response.status).toBe(400);
    expect((await json(response)).code).toBe('invalid-license-request');
  });

  it('takes no more than a licence request needs', async () => {
    expect((await ask('x'.repeat(20_000))).status).toBe(413);
  });
});

/** Without a URL parser between: paths go out as they are. */
function rawGet(path: string): Promise<{ status: number; type: string | undefined; body: Buffer }> {
  const { hostname, port } = new URL(delivery.url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode as number,
          type: response.headers['content-type'],
          body: Buffer.concat(chunks),
        }),
      );
    })
      .on('error', reject)
      .end();
  });
}
