import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignatureV4 } from '@smithy/signature-v4';
import { eventually, temporaryDirectory } from '@latchkey/testing';
import { apiKeyHint } from '../src/door/api-key';
import { hashPassword as scryptHash } from '../src/door/password-hash';
import { wrapSecret } from '../src/door/wrapped-secret';
import { asked, forget } from './answerers';
import { startGateway, tenantsFile, type TestGateway } from './gateway';
import { Sha256 } from './sha256';

// Every request here is refused for its body once the door has let it in: 422 means in, 401, 403 and 429 mean out.
const IN = 422;
const BODY = '<not-cpix/>';
const SPEKE = { 'content-type': 'application/xml', 'x-speke-version': '2.0' };

/** The form is that of production, the cost is not. */
const hashPassword = (password: string) => scryptHash(password, { logN: 10, r: 8, p: 1 });

let gateway: TestGateway;
afterEach(async () => {
  await gateway.close();
  forget();
});

const post = (headers: Record<string, string> = {}, path = '/copyProtection', body = BODY) =>
  fetch(gateway.url + path, { method: 'POST', body, headers: { ...SPEKE, ...headers } });

const statusOf = async (headers: Record<string, string>, path?: string, body?: string) =>
  (await post(headers, path, body)).status;

describe('a door without tenants', () => {
  it('is open on loopback, and says so', async () => {
    gateway = await startGateway();
    expect(await statusOf({})).toBe(IN);
    expect(gateway.log()).toContain('is open');
  });

  it.each(['0.0.0.0', '::'])('is not opened on %s', async (host) => {
    gateway = await startGateway();
    await expect(startGateway({ SPEKE_HOST: host })).rejects.toThrow(/SPEKE_ALLOW_UNAUTHENTICATED/);
  });

  it('is opened elsewhere when a flag says so', async () => {
    gateway = await startGateway({ SPEKE_HOST: '0.0.0.0', SPEKE_ALLOW_UNAUTHENTICATED: 'true' });
    expect(await statusOf({})).toBe(IN);
  });
});

describe('Basic', () => {
  const basic = (user: string, password: string) => ({
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
  });

  it('lets in who knows the password, as that tenant', async () => {
    const hash = await hashPassword('correct horse: battery');
    gateway = await startGateway({
      TENANTS_FILE: tenantsFile({
        id: 'studio',
        encryptors: [{ id: 'enc-1', method: 'basic', username: 'enc', hash }],
      }),
    });
    expect(await statusOf(basic('enc', 'correct horse: battery'))).toBe(IN);
    await eventually(() => asked.refusals.length === 1);
    expect(asked.refusals[0]).toMatchObject({ tenant: 'studio', requester: { encryptorId: 'enc-1' } });
    expect(gateway.log()).not.toContain('correct horse');
  });

  it('tells an unknown user and a wrong password nothing that differs', async () => {
    const hash = await hashPassword('right');
    gateway = await startGateway({
      TENANTS_FILE: tenantsFile({
        id: 'studio',
        encryptors: [{ id: 'enc-1', method: 'basic', username: 'enc', hash }],
      }),
    });
    const answers = await Promise.all([post(basic('enc', 'wrong')), post(basic('nobody', 'right'))]);
    const seen = await Promise.all(answers.map(async (answer) => [answer.status, withoutIds(await answer.text())]));
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]?.[0]).toBe(401);
    expect(answers[0]?.headers.get('www-authenticate')).toBe('Basic realm="latchkey", charset="UTF-8"');
    expect(answers[0]?.headers.get('x-speke-user-agent')).toBe('Latchkey');
  });

  it.each([
    ['is not taken over plain HTTP from elsewhere', 'http', 403],
    ['is taken from a trusted proxy that has it over TLS', 'https', IN],
  ])('%s', async (_, protocol, status) => {
    const hash = await hashPassword('right');
    gateway = await startGateway({
      SPEKE_TRUSTED_PROXIES: '127.0.0.1',
      TENANTS_FILE: tenantsFile({
        id: 'studio',
        encryptors: [{ id: 'enc-1', method: 'basic', username: 'enc', hash }],
      }),
    });
    const forwarded = { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': protocol };
    expect(await statusOf({ ...basic('enc', 'right'), ...forwarded })).toBe(status);
    expect((await post(forwarded)).headers.get('www-authenticate')?.startsWith('Basic') ?? false).toBe(status === IN);
  });

  it('slows guessing down, for the name from that address only', async () => {
    const hash = await hashPassword('right');
    const other = await hashPassword('other');
    gateway = await startGateway({
      TENANTS_FILE: tenantsFile({
        id: 'studio',
        encryptors: [
          { id: 'enc-1', method: 'basic', username: 'enc', hash },
          { id: 'enc-2', method: 'basic', username: 'other', hash: other },
        ],
      }),
    });
    for (let guess = 0; guess < 5; guess++) expect(await statusOf(basic('enc', `guess ${guess}`))).toBe(401);
    const slowed = await post(basic('enc', 'right'));
    expect(slowed.status).toBe(429);
    expect(Number(slowed.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await statusOf(basic('other', 'other'))).toBe(IN);
  });
});

describe('Digest', () => {
  const hash = (algorithm: 'sha256' | 'md5', text: string) => createHash(algorithm).update(text).digest('hex');
  const ha1 = (algorithm: 'sha256' | 'md5') => hash(algorithm, 'live:latchkey:secret');
  const tenants = () =>
    tenantsFile({
      id: 'studio',
      encryptors: [
        { id: 'live-1', method: 'digest', username: 'live', ha1: { sha256: ha1('sha256'), md5: ha1('md5') } },
      ],
    });

  /** RFC 7616, 3.4.1, written from the RFC. */
  function answer(
    nonce: string,
    change: { algorithm?: 'SHA-256' | 'MD5'; nc?: string; password?: string; uri?: string; method?: string } = {},
  ): Record<string, string> {
    const { algorithm = 'SHA-256', nc = '00000001', password = 'secret', uri = '/copyProtection' } = change;
    const name = algorithm === 'MD5' ? 'md5' : 'sha256';
    const a1 = hash(name, `live:latchkey:${password}`);
    const a2 = hash(name, `${change.method ?? 'POST'}:${uri}`);
    const response = hash(name, `${a1}:${nonce}:${nc}:c0ffee:auth:${a2}`);
    const parts = `username="live", realm="latchkey", nonce="${nonce}", uri="${uri}", algorithm=${algorithm}`;
    return { authorization: `Digest ${parts}, qop=auth, nc=${nc}, cnonce="c0ffee", response="${response}"` };
  }

  async function challenge(): Promise<string> {
    const refused = await post();
    expect(refused.status).toBe(401);
    const header = refused.headers.get('www-authenticate') ?? '';
    expect(header).toMatch(/algorithm=SHA-256.*algorithm=MD5/);
    return /nonce="([^"]+)"/.exec(header)?.[1] ?? '';
  }

  beforeEach(async () => void (gateway = await startGateway({ TENANTS_FILE: tenants() })));

  it.each(['SHA-256', 'MD5'] as const)('takes a right response by %s', async (algorithm) => {
    expect(await statusOf(answer(await challenge(), { algorithm }))).toBe(IN);
  });

  it('takes each nonce count once, in any order', async () => {
    const nonce = await challenge();
    for (const nc of ['00000003', '00000001', '00000002']) expect(await statusOf(answer(nonce, { nc }))).toBe(IN);
    expect(await statusOf(answer(nonce, { nc: '00000002' }))).toBe(401);
  });

  it.each([
    ['a wrong password', { password: 'guess' }],
    ['another path', { uri: '/other' }],
    ['another method', { method: 'GET' }],
  ])('refuses %s', async (_, change) => {
    expect(await statusOf(answer(await challenge(), change))).toBe(401);
  });

  it.each([
    ['a nonce that is not ours', () => answer('made-up')],
    ['an altered nonce', async () => answer(alter(await challenge()))],
    ['no qop', async () => without(answer(await challenge()), 'qop=auth, ')],
    [
      'a parameter sent twice',
      async () => without(answer(await challenge()), 'realm="latchkey"', 'realm="latchkey", realm="x"'),
    ],
  ])('refuses %s', async (_, headers) => {
    expect(await statusOf(await headers())).toBe(401);
  });
});

describe('an API key', () => {
  it('lets in by the header that the tenant chose', async () => {
    const key = randomBytes(32).toString('base64url');
    gateway = await startGateway({
      TENANTS_FILE: tenantsFile({
        id: 'studio',
        encryptors: [
          { id: 'other', method: 'api-key', header: 'X-Customer-Key', hash: await hashPassword('x'), hint: '00000000' },
          {
            id: 'key-1',
            method: 'api-key',
            header: 'X-Customer-Key',
            hash: await hashPassword(key),
            hint: apiKeyHint(key),
          },
        ],
      }),
    });
    expect(await statusOf({ 'x-customer-key': key })).toBe(IN);
    expect(await statusOf({ 'x-customer-key': key })).toBe(IN);
    expect(await statusOf({ 'x-customer-key': alter(key) })).toBe(401);
    expect(await statusOf({ 'x-api-key': key })).toBe(401);
    expect(gateway.log()).not.toContain(key);
  });
});

describe('a role that API Gateway tells', () => {
  const SECRET = 'only-the-integration-of-api-gateway-knows';
  const ROLE = 'arn:aws:sts::123456789012:assumed-role/MediaPackage/session-1';
  const door = { 'x-latchkey-door': SECRET };

  beforeEach(async () => {
    const roleArn = 'arn:aws:iam::123456789012:role/service/MediaPackage';
    gateway = await startGateway({
      AWS_ROLE_DOOR_SECRET: SECRET,
      TENANTS_FILE: tenantsFile({ id: 'studio', encryptors: [{ id: 'mp', method: 'aws-role', roleArn }] }),
    });
  });

  it('lets in that role', async () => {
    expect(await statusOf({ ...door, 'x-latchkey-role-arn': ROLE })).toBe(IN);
  });

  it.each([
    ['without the secret', { 'x-latchkey-role-arn': ROLE }],
    ['with another secret', { 'x-latchkey-role-arn': ROLE, 'x-latchkey-door': alter(SECRET) }],
    ['of another account', { ...door, 'x-latchkey-role-arn': ROLE.replace('1234', '9999') }],
    ['of another name', { ...door, 'x-latchkey-role-arn': ROLE.replace('MediaPackage', 'MediaPackageX') }],
    [
      'that hides in a session name',
      { ...door, 'x-latchkey-role-arn': ROLE.replace('MediaPackage/session-1', 'X/MediaPackage') },
    ],
    ['that is no ARN', { ...door, 'x-latchkey-role-arn': 'MediaPackage' }],
  ])('refuses a role %s', async (_, headers) => {
    const answer = await post(headers);
    expect([answer.status, await answer.text()]).toEqual([403, expect.not.stringContaining('studio')]);
  });
});

// promise 40
describe('SigV4', () => {
  const key = createSecretKey(randomBytes(32));
  const ACCESS_KEY = 'LKIAEXAMPLEEXAMPLE01';
  const SECRET = 'a secret that we issued/+=';

  beforeEach(async () => {
    const keyFile = join(temporaryDirectory(), 'credentials.key');
    writeFileSync(keyFile, key.export().toString('base64'));
    gateway = await startGateway({
      CREDENTIALS_KEY_FILE: keyFile,
      TENANTS_FILE: tenantsFile({
        id: 'studio',
        encryptors: [
          { id: 'signer', method: 'sigv4', accessKeyId: ACCESS_KEY, secret: wrapSecret(key, ACCESS_KEY, SECRET) },
        ],
      }),
    });
  });

  /** The oracle: AWS's own signer. */
  async function sign(
    options: {
      path?: string;
      body?: string;
      minutesAgo?: number;
      secret?: string;
      headers?: Record<string, string>;
    } = {},
  ) {
    const url = new URL(gateway.url + (options.path ?? '/copyProtection'));
    const signer = new SignatureV4({
      service: 'execute-api',
      region: 'eu-central-1',
      credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: options.secret ?? SECRET },
      sha256: Sha256,
      applyChecksum: options.headers?.['x-checksum'] !== 'no',
    });
    const signed = await signer.sign(
      {
        method: 'POST',
        protocol: 'http:',
        hostname: url.hostname,
        port: Number(url.port),
        path: url.pathname,
        query: queryOf(url),
        headers: { host: url.host, ...SPEKE },
        body: options.body ?? BODY,
      },
      { signingDate: new Date(Date.now() - (options.minutesAgo ?? 0) * 60_000) },
    );
    const { host: _, ...headers } = signed.headers;
    return headers;
  }

  it.each<[string, Parameters<typeof sign>[0]]>([
    ['with the body’s hash in a header', {}],
    ['without it', { headers: { 'x-checksum': 'no' } }],
    ['with a query', { path: '/copyProtection?b=2&a=%2Fx%20y&a=1&empty=' }],
    ['with a longer path', { path: '/speke/v2.0/copyProtection' }],
    ['four minutes old', { minutesAgo: 4 }],
  ])('takes what AWS’s own signer signs, %s', async (_, options) => {
    expect(await statusOf(await sign(options), options?.path)).toBe(IN);
  });

  it.each([
    ['another body', {}, { body: '<other/>' }],
    ['another body without its hash in a header', { headers: { 'x-checksum': 'no' } }, { body: '<other/>' }],
    ['another path', {}, { path: '/speke/v2.0/copyProtection' }],
    ['another query', { path: '/copyProtection?a=1' }, { path: '/copyProtection?a=2' }],
    ['another version header', {}, { headers: { 'x-speke-version': '2.1' } }],
    ['another secret', { secret: 'guessed' }, {}],
    ['a date six minutes ago', { minutesAgo: 6 }, {}],
    ['a date six minutes ahead', { minutesAgo: -6 }, {}],
    ['a header of AWS that is not signed', {}, { headers: { 'x-amz-target': 'x' } }],
  ])('refuses %s', async (_, signing, sending: { body?: string; path?: string; headers?: Record<string, string> }) => {
    const headers = await sign(signing);
    expect(await statusOf({ ...headers, ...sending.headers }, sending.path, sending.body)).toBe(403);
  });

  it('takes a signature once', async () => {
    const headers = await sign();
    expect(await statusOf(headers)).toBe(IN);
    expect(await statusOf(headers)).toBe(403);
  });

  it('never writes the secret down', async () => {
    await post(await sign({ secret: 'guessed' }));
    await post(await sign());
    expect(gateway.log()).not.toContain(SECRET);
  });
});

// promise 19
it('records refusals of strangers, but not without end', async () => {
  gateway = await startGateway({ TENANTS_FILE: tenantsFile({ id: 'studio' }) });
  // Ten a second on top of 600: how many come in that time is the machine's affair.
  let refused = 0;
  await eventually(async () => {
    await Promise.all(Array.from({ length: 20 }, () => post()));
    refused += 20;
    return refused >= asked.refusals.length + 100;
  });
  await eventually(() => asked.refusals.length >= 600);
  expect(asked.refusals[0]).toMatchObject({
    tenant: 'unknown',
    code: 'UNAUTHENTICATED',
    requester: { address: '127.0.0.1' },
  });
});

// promise 39
describe('tenants', () => {
  const encryptor = async (id: string) => ({ id, method: 'api-key', hash: await hashPassword(`key of ${id}`) });

  it('come from the credential, and from nothing else', async () => {
    gateway = await startGateway({
      TENANTS_FILE: tenantsFile(
        { id: 'one', encryptors: [await encryptor('enc-one')] },
        { id: 'two', encryptors: [await encryptor('enc-two')] },
      ),
    });
    await post({ 'x-api-key': 'key of enc-two', 'x-tenant': 'one' }, '/copyProtection?tenant=one');
    await eventually(() => asked.refusals.length === 1);
    expect(asked.refusals[0]).toMatchObject({ tenant: 'two', requester: { encryptorId: 'enc-two' } });
  });

  it('are not reached without a credential, also not the tenant default', async () => {
    gateway = await startGateway({
      TENANTS_FILE: tenantsFile({ id: 'default', encryptors: [await encryptor('enc')] }),
    });
    expect(await statusOf({})).toBe(401);
  });

  it('cannot share a credential', async () => {
    gateway = await startGateway();
    const user = { id: 'x', method: 'digest', username: 'live', ha1: { md5: '0'.repeat(32) } };
    const file = tenantsFile({ id: 'one', encryptors: [user] }, { id: 'two', encryptors: [user] });
    await expect(startGateway({ TENANTS_FILE: file })).rejects.toThrow(/share the credential x/);
  });

  it('have their own limits', async () => {
    gateway = await startGateway({
      TENANTS_FILE: tenantsFile(
        { id: 'one', encryptors: [await encryptor('enc-one')], limits: { requestsPerMinute: 2 } },
        { id: 'two', encryptors: [await encryptor('enc-two')], limits: { perCredential: { requestsPerMinute: 1 } } },
      ),
    });
    const one = { 'x-api-key': 'key of enc-one' };
    expect([await statusOf(one), await statusOf(one)]).toEqual([IN, IN]);
    const refused = await post(one);
    expect(refused.status).toBe(429);
    // The next of two a minute, half a minute after the last one.
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(30);
    const two = { 'x-api-key': 'key of enc-two' };
    expect([await statusOf(two), await statusOf(two)]).toEqual([IN, 429]);
  });

  it('have their new credentials without a restart', async () => {
    const file = tenantsFile({ id: 'one', encryptors: [await encryptor('old')] });
    gateway = await startGateway({ TENANTS_FILE: file });
    writeFileSync(file, JSON.stringify({ tenants: [{ id: 'one', encryptors: [await encryptor('new')] }] }));
    await eventually(async () => (await statusOf({ 'x-api-key': 'key of new' })) === IN);
    expect(await statusOf({ 'x-api-key': 'key of old' })).toBe(401);
  });
});

function alter(text: string): string {
  return (text[0] === 'A' ? 'B' : 'A') + text.slice(1);
}

function without(headers: Record<string, string>, part: string, instead = ''): Record<string, string> {
  return { authorization: (headers['authorization'] ?? '').replace(part, instead) };
}

function withoutIds(text: string): string {
  return text.replace(/[0-9a-f-]{36}/g, '');
}

function queryOf(url: URL): Record<string, string | string[]> {
  return Object.fromEntries([...new Set(url.searchParams.keys())].map((name) => [name, url.searchParams.getAll(name)]));
}
