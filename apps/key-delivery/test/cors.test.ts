import { keyPath, startDelivery, type RunningDelivery } from './delivery';
import { someKeyId } from './key-answerer';

const PLAYER = 'https://player.example.com';

let delivery: RunningDelivery;
const keyId = someKeyId();
beforeAll(async () => {
  delivery = await startDelivery({
    any: {},
    listed: { cors: { origins: [PLAYER, 'http://localhost:3000'], maxAgeSeconds: 120 } },
    tokens: {
      entitlement: {
        mode: 'jwt',
        algorithms: ['HS256'],
        secrets: [{ secret: 'A'.repeat(43) }],
        issuer: 'i',
        audience: 'a',
      },
      cors: { origins: [PLAYER] },
    },
  });
  for (const tenant of ['any', 'listed', 'tokens']) delivery.answerer.put(tenant, 'movie', keyId);
});
afterAll(() => delivery.close());

const ask = (
  tenant: string,
  options: { origin?: string; path?: string; method?: string; headers?: Record<string, string> },
) =>
  fetch(`${delivery.url}${options.path ?? keyPath(tenant, 'movie', keyId)}`, {
    method: options.method ?? 'GET',
    headers: { ...(options.origin ? { origin: options.origin } : {}), ...options.headers },
  });
const allowed = (response: Response) => response.headers.get('access-control-allow-origin');

// promise 38
describe('CORS', () => {
  it.each<[string, string, object]>([
    ['a key', '200', {}],
    ['a key that is not there', '404', { path: keyPath('listed', 'movie', someKeyId()) }],
    ['a refusal', '401', { path: keyPath('tokens', 'movie', keyId) }],
    ['a bad path', '400', { path: '/keys/listed/movie/x' }],
    ['a short path', '404', { path: '/keys/listed/movie' }],
    ['a wrong method', '405', { method: 'DELETE' }],
    ['a bad licence request', '400', { path: '/clearkey/listed/movie', method: 'POST' }],
  ])('is on %s', async (_, status, options) => {
    const response = await ask('listed', { origin: PLAYER, ...options });
    expect(String(response.status)).toBe(status);
    expect(allowed(response)).toBe(PLAYER);
    expect(response.headers.get('access-control-allow-credentials')).toBe('true');
    expect(response.headers.get('vary')).toMatch(/\borigin\b/i);
  });

  it.each([
    'https://player.example.com.evil.example',
    'http://player.example.com',
    'https://player.example.com:8443',
    'https://PLAYER.example.com',
    'https://player.example.com/',
    'null',
    '*',
  ])('is closed to %s', async (origin) => {
    const response = await ask('listed', { origin });
    expect(response.status).toBe(200);
    expect(allowed(response)).toBeNull();
    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
    expect(response.headers.get('vary')).toMatch(/\borigin\b/i);
  });

  it('says so also to a request without Origin: what a CDN keeps of it is not for browsers', async () => {
    expect((await ask('listed', {})).headers.get('vary')).toMatch(/\borigin\b/i);
    expect(allowed(await ask('any', {}))).toBe('*');
  });

  it('is open to any origin without credentials where the tenant says so', async () => {
    const response = await ask('any', { origin: 'https://anywhere.example' });
    expect(allowed(response)).toBe('*');
    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('answers preflights, which browsers may keep', async () => {
    for (const [path, method] of [
      [keyPath('listed', 'movie', keyId), 'GET'],
      ['/clearkey/listed/movie', 'POST'],
    ] as const) {
      const response = await ask('listed', {
        method: 'OPTIONS',
        path,
        origin: PLAYER,
        headers: { 'access-control-request-method': method, 'access-control-request-headers': 'authorization' },
      });
      expect(response.status).toBe(204);
      expect(allowed(response)).toBe(PLAYER);
      expect(response.headers.get('access-control-allow-methods')).toContain(method);
      expect(response.headers.get('access-control-allow-headers')).toContain('authorization');
      expect(response.headers.get('access-control-max-age')).toBe('120');
      expect(response.headers.get('vary')).toMatch(/\borigin\b/i);
    }
  });

  it('gives other origins nothing in a preflight', async () => {
    const response = await ask('listed', {
      method: 'OPTIONS',
      origin: 'https://evil.example',
      headers: { 'access-control-request-method': 'GET' },
    });
    expect(response.status).toBe(204);
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it('leaves plain OPTIONS working', async () => {
    const response = await ask('listed', { method: 'OPTIONS' });
    expect(response.status).toBe(204);
    expect(response.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
  });

  it('is closed for a tenant that does not exist', async () => {
    expect(allowed(await ask('nobody', { origin: PLAYER }))).toBeNull();
  });
});
