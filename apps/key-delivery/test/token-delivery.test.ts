import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deliveryDenied } from '@latchkey/messages';
import { decodeJwt, exportJWK, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { body, json, keyPath, startDelivery, type RunningDelivery } from './delivery';
import { hearEvents } from './hear-events';
import { someKeyId, someSecret } from './key-answerer';

const ISSUER = 'https://login.example.com';
const AUDIENCE = 'keys';
const known = someSecret();
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = (key: typeof rsa.publicKey) => key.export({ type: 'spki', format: 'pem' }) as string;
const jwt = { mode: 'jwt', issuer: ISSUER, audience: AUDIENCE };
const hs256 = { ...jwt, algorithms: ['HS256'], secrets: [{ secret: known.secret }] };

let issuer: FakeIssuer;
let delivery: RunningDelivery;
beforeAll(async () => {
  issuer = await startIssuer();
  delivery = await startDelivery({
    hs: { entitlement: hs256 },
    asymmetric: {
      entitlement: {
        ...jwt,
        audience: 'asymmetric',
        algorithms: ['RS256', 'ES256'],
        publicKeys: [{ kid: 'r', pem: pem(rsa.publicKey) }, { pem: pem(ec.publicKey) }],
      },
    },
    jwks: { entitlement: { ...jwt, audience: 'by-url', algorithms: ['ES256'], jwksUrl: issuer.url } },
    strict: {
      entitlement: {
        ...hs256,
        audience: 'strict',
        requireKids: true,
        maxAgeSeconds: 60,
        clockSkewSeconds: 0,
        type: 'play+jwt',
      },
    },
    bound: { entitlement: { ...hs256, audience: 'bound', bindAddress: true } },
    shared: { entitlement: { ...hs256, audience: 'both' } },
    shared2: { entitlement: { ...hs256, audience: 'both' } },
    cookies: { entitlement: { ...hs256, audience: 'cookies', from: ['cookie'], cookie: 'play' } },
  });
});
afterAll(async () => {
  await delivery.close();
  await issuer.close();
});

type Claims = Record<string, unknown>;
const now = () => Math.floor(Date.now() / 1_000);

function sign(claims: Claims, header: Record<string, unknown> = {}, key: Parameters<SignJWT['sign']>[0] = known.key) {
  return new SignJWT({
    iss: ISSUER,
    aud: AUDIENCE,
    exp: now() + 300,
    contentId: 'movie',
    sub: 'viewer-1',
    ...claims,
  } as JWTPayload)
    .setProtectedHeader({ alg: 'HS256', ...header })
    .sign(key);
}

async function ask(token: string | undefined, { tenant = 'hs', contentId = 'movie', keyId = someKeyId() } = {}) {
  const response = await fetch(`${delivery.url}${keyPath(tenant, contentId, keyId)}`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  return { status: response.status, response, problem: response.status === 200 ? undefined : await json(response) };
}

async function askForKey(token: string, options: { tenant?: string; contentId?: string } = {}) {
  const { tenant = 'hs', contentId = 'movie' } = options;
  const keyId = someKeyId();
  const key = delivery.answerer.put(tenant, contentId, keyId);
  const { status, response, problem } = await ask(token, { tenant, contentId, keyId });
  return { status, code: problem?.code, right: status === 200 && (await body(response)).equals(key) };
}

// promise 36
describe('a token that names the key', () => {
  it('gets it', async () => {
    expect(await askForKey(await sign({}))).toEqual({ status: 200, right: true });
  });

  it('gets it again without being verified again, and from the cache', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('hs', 'movie', keyId);
    const token = await sign({});
    const asked = delivery.answerer.asked.length;
    for (let i = 0; i < 3; i++) expect((await ask(token, { keyId })).status).toBe(200);
    expect(delivery.answerer.asked.length).toBe(asked + 1);
    expect(delivery.answerer.asked.at(-1)).toMatchObject({ subject: 'viewer-1', reason: 'player' });
  });

  it.each([
    ['RS256', { kid: 'r' }, rsa.privateKey],
    ['RS256', {}, rsa.privateKey],
    ['ES256', {}, ec.privateKey],
    ['ES256', { kid: 'any' }, ec.privateKey],
  ])('gets it by %s %j', async (alg, header, key) => {
    expect(
      (await askForKey(await sign({ aud: 'asymmetric' }, { alg, ...header }, key), { tenant: 'asymmetric' })).right,
    ).toBe(true);
  });

  it.each([
    ['movie', 'movie'],
    [['other', 'movie'], 'movie'],
    ['mov*', 'movie'],
    ['*', 'any/thing'],
    ['series/*/hd', 'series/12/3/hd'],
    ['a*b*c', 'aXbYc'],
  ])('names %j for content %j', async (contentId, asked) => {
    expect((await askForKey(await sign({ contentId }), { contentId: asked })).status).toBe(200);
  });

  it.each([
    ['movi', 'movie'],
    ['Movie', 'movie'],
    ['mov*x', 'movie'],
    ['a*a', 'a'],
    ['', 'movie'],
    [[], 'movie'],
  ])('does not name %j for content %j', async (contentId, asked) => {
    const answer = await askForKey(await sign({ contentId }), { contentId: asked });
    expect(answer).toMatchObject({ status: 403, code: 'content-not-granted' });
  });

  it('names keys one by one, in either case, or by a pattern', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('hs', 'movie', keyId);
    for (const kids of [[keyId], [keyId.toUpperCase()], [`${keyId.slice(0, 8)}*`], '*']) {
      expect((await ask(await sign({ kids }), { keyId })).status).toBe(200);
    }
    const refused = await ask(await sign({ kids: [someKeyId()] }), { keyId });
    expect(refused).toMatchObject({ status: 403, problem: { code: 'key-not-granted' } });
  });

  // promise 37
  it('gets no key outside it in a clear-key licence', async () => {
    const [mine, other] = [someKeyId(), someKeyId()];
    for (const keyId of [mine, other]) delivery.answerer.put('hs', 'movie', keyId);
    const kid = (keyId: string) => Buffer.from(keyId.replaceAll('-', ''), 'hex').toString('base64url');
    const license = async (kids: string[], token: string) =>
      fetch(`${delivery.url}/clearkey/hs/movie`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ kids: kids.map(kid) }),
      });
    const token = await sign({ kids: [mine] });
    const answer = await json(await license([mine, other], token));
    expect(answer.keys?.map((key) => key.kid)).toEqual([kid(mine)]);
    expect((await license([other], token)).status).toBe(403);
  });

  it('may stand in Authorization, the query or a cookie', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('hs', 'movie', keyId);
    const token = await sign({});
    const url = `${delivery.url}${keyPath('hs', 'movie', keyId)}`;
    expect((await fetch(url, { headers: { authorization: `bearer ${token}` } })).status).toBe(200);
    expect((await fetch(`${url}?token=${token}`)).status).toBe(200);
    expect((await fetch(url, { headers: { cookie: `a=b; latchkey=${token}` } })).status).toBe(200);
    expect((await fetch(`${url}?token=${token}&token=${token}`)).status).toBe(401);
  });

  it('may stand only where its tenant says', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('cookies', 'movie', keyId);
    const token = await sign({ aud: 'cookies' });
    const url = `${delivery.url}${keyPath('cookies', 'movie', keyId)}`;
    expect((await fetch(url, { headers: { cookie: `play="${token}"` } })).status).toBe(200);
    expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
    expect((await fetch(`${url}?token=${token}`)).status).toBe(401);
  });

  it('is believed no longer than it lasts, remembered or not', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('strict', 'movie', keyId);
    const short = () => sign({ aud: 'strict', kids: '*', iat: now(), exp: now() + 2 }, { typ: 'play+jwt' });
    const answer = (token: string) => ask(token, { tenant: 'strict', keyId });
    // On a busy machine one may be over before it is asked with.
    let token = await short();
    while ((await answer(token)).status !== 200) token = await short();
    while ((await answer(token)).status === 200) await new Promise((wake) => setTimeout(wake, 50));
    expect(await answer(token)).toMatchObject({ status: 401, problem: { code: 'token-expired' } });
    expect(Date.now()).toBeGreaterThanOrEqual((decodeJwt(token).exp ?? 0) * 1_000);
  });
});

// promise 36
describe('a token is refused', () => {
  const other = someSecret();
  const hmacWithPublicKey = Buffer.from(pem(rsa.publicKey));

  it.each<[string, () => Promise<string | undefined> | string | undefined, number, string, string?]>([
    ['that is not there', () => undefined, 401, 'token-missing'],
    ['that is no JWS', () => 'abc', 401, 'token-malformed'],
    ['that has an empty part', () => 'a..b', 401, 'token-malformed'],
    ['that is too long', () => 'a'.repeat(9_000), 401, 'token-malformed'],
    ['with alg none', () => new UnsecuredJWT({ contentId: 'movie' }).encode(), 401, 'token-algorithm'],
    ['with alg None', () => forge({ alg: 'None' }), 401, 'token-algorithm'],
    ['with alg __proto__', () => forge({ alg: '__proto__' }), 401, 'token-algorithm'],
    ['without alg', () => forge({}), 401, 'token-algorithm'],
    ['signed with another secret', () => sign({}, {}, other.key), 401, 'token-invalid'],
    ['signed by HS512', () => sign({}, { alg: 'HS512' }), 401, 'token-algorithm'],
    [
      'HMACed with the RSA public key',
      () => sign({}, { alg: 'HS256' }, hmacWithPublicKey),
      401,
      'token-algorithm',
      'asymmetric',
    ],
    [
      'HMACed with the RSA public key under its kid',
      () => sign({}, { kid: 'r' }, hmacWithPublicKey),
      401,
      'token-algorithm',
      'asymmetric',
    ],
    ['with the key in its header', () => withOwnJwk(), 401, 'token-invalid', 'asymmetric'],
    [
      'that says where its keys are',
      () => sign({}, { jku: 'https://evil.example/jwks', kid: 'x' }, other.key),
      401,
      'token-invalid',
    ],
    [
      'with a critical header that is not known',
      () => forge({ alg: 'HS256', crit: ['x'], x: 1 }),
      401,
      'token-malformed',
    ],
    ['of another issuer', () => sign({ iss: 'https://evil.example' }), 401, 'token-issuer'],
    ['without issuer', () => sign({ iss: undefined }), 401, 'token-claims'],
    ['for another audience', () => sign({ aud: 'other' }), 401, 'token-audience'],
    ['expired', () => sign({ exp: now() - 31 }), 401, 'token-expired'],
    ['without expiry', () => sign({ exp: undefined }), 401, 'token-claims'],
    ['with an expiry that is no number', () => sign({ exp: 'never' }), 401, 'token-claims'],
    ['that is not valid yet', () => sign({ nbf: now() + 60 }), 401, 'token-not-yet-valid'],
    ['without content', () => sign({ contentId: undefined }), 401, 'token-claims'],
    ['with content that is no text', () => sign({ contentId: 7 }), 401, 'token-claims'],
    ['with a subject that is no text', () => sign({ sub: 7 }), 401, 'token-claims'],
    [
      'without kids where they are wanted',
      () => sign({ aud: 'strict', iat: now() }, { typ: 'play+jwt' }),
      401,
      'token-claims',
      'strict',
    ],
    [
      'without iat where age counts',
      () => sign({ aud: 'strict', kids: '*' }, { typ: 'play+jwt' }),
      401,
      'token-claims',
      'strict',
    ],
    [
      'that is too old',
      () => sign({ aud: 'strict', kids: '*', iat: now() - 61 }, { typ: 'play+jwt' }),
      401,
      'token-too-old',
      'strict',
    ],
    [
      'of another type',
      () => sign({ aud: 'strict', kids: '*', iat: now() }, { typ: 'at+jwt' }),
      401,
      'token-type',
      'strict',
    ],
    ['for another address', () => sign({ aud: 'bound', ip: '198.51.100.7' }), 403, 'address-not-granted', 'bound'],
    ['without address where it is wanted', () => sign({ aud: 'bound' }), 401, 'token-claims', 'bound'],
    ['with an address that is none', () => sign({ aud: 'bound', ip: 'localhost' }), 401, 'token-claims', 'bound'],
    ['for another tenant', () => sign({ aud: 'both', tenant: 'shared2' }), 403, 'tenant-not-granted', 'shared'],
    ['that any of two tenants would take', () => sign({ aud: 'both' }), 403, 'tenant-not-granted', 'shared'],
  ])('%s', async (_, make, status, code, tenant = 'hs') => {
    const answer = await ask(await make(), { tenant });
    expect(answer).toMatchObject({ status, problem: { code, status } });
    expect(answer.response.headers.get('cache-control')).toBe('no-store');
    if (status === 401) expect(answer.response.headers.get('www-authenticate')).toMatch(/^Bearer realm="latchkey"/);
  });

  it('takes skew, addresses and the right tenant', async () => {
    expect((await askForKey(await sign({ exp: now() - 10 }))).status).toBe(200);
    expect((await askForKey(await sign({ nbf: now() + 10 }))).status).toBe(200);
    expect((await askForKey(await sign({ aud: 'bound', ip: '127.0.0.0/8' }), { tenant: 'bound' })).status).toBe(200);
    expect((await askForKey(await sign({ aud: 'bound', ip: ['::1', '127.0.0.1'] }), { tenant: 'bound' })).status).toBe(
      200,
    );
    expect((await askForKey(await sign({ aud: 'both', tenant: 'shared' }), { tenant: 'shared' })).status).toBe(200);
  });

  function forge(header: object): string {
    const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
    return `${part(header)}.${part({ iss: ISSUER, aud: AUDIENCE, exp: now() + 60, contentId: 'movie' })}.AAAA`;
  }

  async function withOwnJwk() {
    const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
    return sign({ aud: 'asymmetric' }, { alg: 'RS256', jwk: await exportJWK(own.publicKey) }, own.privateKey);
  }
});

// promise 14
describe('a refusal', () => {
  it('is the same whether the key exists or not', async () => {
    const [exists, absent] = [someKeyId(), someKeyId()];
    delivery.answerer.put('hs', 'movie', exists);
    const asked = delivery.answerer.asked.length;
    for (const token of [undefined, 'junk', await sign({ contentId: 'other' }), await sign({ kids: [someKeyId()] })]) {
      const answers = await Promise.all([exists, absent].map((keyId) => ask(token, { keyId })));
      const [one, two] = answers.map(({ status, problem }) => ({ status, problem: { ...problem, instance: '' } }));
      expect(one).toEqual(two);
    }
    expect(delivery.answerer.asked.length).toBe(asked);
  });

  it('is the same for a tenant that does not exist', async () => {
    const [one, two] = await Promise.all([ask(undefined), ask(undefined, { tenant: 'nobody' })]);
    expect({ ...one.problem, instance: '' }).toEqual({ ...two.problem, instance: '' });
    expect(one.status).toBe(two.status);
  });

  // promise 19
  it('for a tenant that does not exist leaves a record of who asked, however many names it makes up', async () => {
    const events = await hearEvents(delivery.hub, deliveryDenied);
    const strangers = () => events.heard.filter(({ data }) => data.tenant === 'unknown');
    const names = Array.from({ length: 20 }, (_, at) => `nobody-${at}`);
    await Promise.all(names.map((tenant) => ask(undefined, { tenant, contentId: randomUUID() })));
    await events.until(() => strangers().reduce((sum, { data }) => sum + data.count, 0) >= 20);
    for (const { data } of strangers()) {
      expect(data).toMatchObject({ reason: 'no-such-tenant', keyIds: [], address: '127.0.0.1' });
      expect(data).not.toHaveProperty('contentId');
    }
    expect(strangers().length).toBeLessThan(20);
    await events.close();
  });

  // promise 19
  it('leaves one event, and its repeats are counted', async () => {
    const events = await hearEvents(delivery.hub, deliveryDenied);
    const contentId = `denied-${randomUUID()}`;
    const keyId = someKeyId();
    const token = await sign({});
    for (let i = 0; i < 5; i++) await ask(token, { contentId, keyId });
    await events.until((heard) => counted(heard) === 5);
    const mine = events.heard.filter(({ data }) => data.contentId === contentId);
    expect(mine[0]?.data).toMatchObject({
      tenant: 'hs',
      contentId,
      keyIds: [keyId],
      reason: 'content-not-granted',
      subject: 'viewer-1',
      address: '127.0.0.1',
      count: 1,
    });
    expect(JSON.stringify(mine)).not.toContain(token);
    expect(JSON.stringify(mine)).not.toContain(token.split('.')[2]);
    await events.close();

    function counted(heard: typeof events.heard) {
      return heard.filter(({ data }) => data.contentId === contentId).reduce((sum, { data }) => sum + data.count, 0);
    }
  });
});

describe('keys from a JWKS URL', () => {
  const byUrl = (claims: Claims, kid: string) =>
    sign({ aud: 'by-url', ...claims }, { alg: 'ES256', kid }, ec.privateKey);

  it('are fetched once, kept, and outlive the issuer', async () => {
    expect((await askForKey(await byUrl({}, 'ec-1'), { tenant: 'jwks' })).right).toBe(true);
    expect((await askForKey(await byUrl({ sub: 'viewer-2' }, 'ec-1'), { tenant: 'jwks' })).right).toBe(true);
    expect(issuer.requests).toBe(1);
    // An unknown kid within the cooldown asks nobody.
    expect(await askForKey(await byUrl({}, 'nobody'), { tenant: 'jwks' })).toMatchObject({
      status: 401,
      code: 'token-invalid',
    });
    expect(issuer.requests).toBe(1);
    issuer.up = false;
    expect((await askForKey(await byUrl({ sub: 'viewer-3' }, 'ec-1'), { tenant: 'jwks' })).right).toBe(true);
  });

  it('that cannot be had are nobody’s fault but ours: 503', async () => {
    const fresh = await startDelivery({
      jwks: { entitlement: { ...jwt, audience: 'by-url', algorithms: ['ES256'], jwksUrl: issuer.url } },
    });
    issuer.up = false;
    const response = await fetch(`${fresh.url}${keyPath('jwks', 'movie', someKeyId())}`, {
      headers: { authorization: `Bearer ${await byUrl({}, 'ec-1')}` },
    });
    await fresh.close();
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).not.toBeNull();
  });
});

interface FakeIssuer {
  url: string;
  up: boolean;
  requests: number;
  close(): Promise<void>;
}

/** A login server that publishes one EC key. */
async function startIssuer(): Promise<FakeIssuer> {
  const jwks = JSON.stringify({
    keys: [{ ...(await exportJWK(ec.publicKey)), kid: 'ec-1', alg: 'ES256', use: 'sig' }],
  });
  const server: Server = createServer((_, response) => {
    state.requests++;
    response.writeHead(state.up ? 200 : 500, { 'content-type': 'application/json' }).end(state.up ? jwks : '');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const state: FakeIssuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    up: true,
    requests: 0,
    close: () => new Promise((closed) => server.close(() => closed())),
  };
  return state;
}
