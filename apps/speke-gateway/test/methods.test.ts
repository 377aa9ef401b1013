import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { tenantSchema } from '@latchkey/tenants';
import fc from 'fast-check';
import type { FastifyRequest } from 'fastify';
import type { AuthenticationFailure } from '../src/door/authentication-failure';
import { roleName } from '../src/door/role-name';
import { CredentialIndex } from '../src/door/credential-index';
import { digestHa1, digestMethod } from '../src/door/digest';
import { DigestNonces, NONCE_LIFE_MS } from '../src/door/digest-nonces';
import { Guesses } from '../src/door/guesses';
import { sigv4Method } from '../src/door/sigv4';
import { Traffic } from '../src/door/traffic';
import { unwrapSecret, wrapSecret } from '../src/door/wrapped-secret';
import { Sha256 } from './sha256';

const indexOf = (...encryptors: object[]) => {
  const tenant = tenantSchema.parse({ id: 'studio', encryptors });
  return new CredentialIndex({ list: () => [tenant] });
};

const request = (method: string, url: string, headers: Record<string, string>) =>
  ({ method, headers, raw: { url }, ip: '127.0.0.1' }) as unknown as FastifyRequest;

function refusalOf(work: () => unknown): AuthenticationFailure {
  try {
    work();
  } catch (error) {
    return error as AuthenticationFailure;
  }
  throw new Error('it was let in');
}

describe('SigV4', () => {
  const key = createSecretKey(randomBytes(32));
  const accessKeyId = 'LKIAEXAMPLEEXAMPLE01';
  const index = indexOf({ id: 's', method: 'sigv4', accessKeyId, secret: wrapSecret(key, accessKeyId, 'secret') });
  const signingDate = new Date('2026-11-21T12:00:00Z');
  const method = sigv4Method(key, () => signingDate.getTime());

  const segment = fc.oneof(
    fc.string({ maxLength: 6 }),
    fc.constantFrom('.', '..', 'a b', 'ü', '%', "~!*()'", '$&+,;=:@'),
  );
  const name = fc.oneof(fc.string({ minLength: 1, maxLength: 5 }), fc.constantFrom('a', 'A', 'a b', 'ä', 'x-amz'));
  const query = fc.dictionary(
    name,
    fc.oneof(fc.string({ maxLength: 5 }), fc.array(fc.string({ maxLength: 3 }), { minLength: 1, maxLength: 3 })),
    { noNullPrototype: true },
  );

  it('takes whatever AWS’s own signer signs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(segment, { maxLength: 5 }),
        query,
        fc.string(),
        fc.uint8Array({ maxLength: 50 }),
        async (segments, parameters, value, body) => {
          const path = `/${segments.map(encodeURIComponent).join('/')}`;
          const header = value.replace(/[^\x20-\x7e]/g, ' ');
          const signer = new SignatureV4({
            service: 'execute-api',
            region: 'eu-central-1',
            credentials: { accessKeyId, secretAccessKey: 'secret', sessionToken: header.trim() || 'none' },
            sha256: Sha256,
          });
          const signed = await signer.sign(
            {
              method: 'POST',
              protocol: 'https:',
              hostname: 'speke.example',
              path,
              query: parameters,
              headers: { host: 'speke.example', 'x-own': header },
              body,
            },
            { signingDate },
          );
          const url = path + wireQuery(parameters);
          const proven = await method.verify(request('POST', url, signed.headers), index);
          proven.confirm?.(Buffer.from(body));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('binds a wrapped secret to its access key', () => {
    const wrapped = wrapSecret(key, accessKeyId, 'secret');
    expect(wrapped).not.toContain('secret');
    expect(unwrapSecret(key, accessKeyId, wrapped)).toBe('secret');
    expect(() => unwrapSecret(key, 'LKIAEXAMPLEEXAMPLE02', wrapped)).toThrow();
    expect(() => unwrapSecret(createSecretKey(randomBytes(32)), accessKeyId, wrapped)).toThrow();
  });
});

describe('Digest', () => {
  let now = 1_000_000;
  const nonces = new DigestNonces(undefined, () => now);
  const method = digestMethod(nonces);

  // RFC 7616, 3.9.1: Mufasa's request, with our realm, and the same by MD5.
  const user = { id: 'm', method: 'digest', username: 'Mufasa' };
  const index = indexOf({ ...user, ha1: { sha256: digestHa1('SHA-256', 'Mufasa', 'Circle of Life') } });
  const respond = (nonce: string, nc = '00000001', password = 'Circle of Life', algorithm = 'SHA-256') => {
    const sha = (text: string) =>
      createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
        .update(text)
        .digest('hex');
    const response = sha(`${sha(`Mufasa:latchkey:${password}`)}:${nonce}:${nc}:f2/wE4q:auth:${sha('POST:/x?y=1')}`);
    return request('POST', '/x?y=1', {
      authorization: `Digest username="Mufasa", realm="latchkey", uri="/x?y=1", algorithm=${algorithm}, nonce="${nonce}", nc=${nc}, cnonce="f2/wE4q", qop=auth, response="${response}", opaque=""`,
    });
  };

  it('says stale to a right response once the nonce has lived, and nothing new to a wrong one', () => {
    const nonce = nonces.issue();
    now += NONCE_LIFE_MS;
    const stale = refusalOf(() => method.verify(respond(nonce), index));
    expect([stale.about.guess, stale.headers['www-authenticate']]).toEqual([
      false,
      [expect.stringContaining('stale=true')],
    ]);
    const wrong = refusalOf(() => method.verify(respond(nonce, '00000001', 'guess'), index));
    expect([wrong.about.guess, wrong.headers['www-authenticate']]).toEqual([true, undefined]);
  });

  it('does not let a wrong response use a count up', () => {
    const nonce = nonces.issue();
    refusalOf(() => method.verify(respond(nonce, '00000001', 'guess'), index));
    expect(method.verify(respond(nonce), index)).toMatchObject({ owned: { credential: { id: 'm' } } });
    expect(refusalOf(() => method.verify(respond(nonce), index)).about.reason).toBe('a nonce count used before');
  });

  it('does not take MD5 where there is no HA1 for it', () => {
    expect(
      refusalOf(() => method.verify(respond(nonces.issue(), '00000001', 'Circle of Life', 'MD5'), index)).status,
    ).toBe(401);
    expect(method.challenges?.(respond(''), index)).toEqual([expect.stringContaining('algorithm=SHA-256')]);
  });

  it('knows the nonces of gateways that share the credentials key', () => {
    const key = createSecretKey(randomBytes(32));
    expect(new DigestNonces(key, () => now).judge(new DigestNonces(key, () => now).issue())).toBe('good');
    expect(new DigestNonces(undefined, () => now).judge(nonces.issue())).toBe('forged');
  });
});

describe('roles', () => {
  it.each([
    ['arn:aws:iam::123456789012:role/MediaPackage', 'aws:123456789012:MediaPackage'],
    ['arn:aws:iam::123456789012:role/a/b/MediaPackage', 'aws:123456789012:MediaPackage'],
    ['arn:aws:sts::123456789012:assumed-role/MediaPackage/a-session', 'aws:123456789012:MediaPackage'],
    ['arn:aws-cn:sts::123456789012:assumed-role/MediaPackage/s', 'aws-cn:123456789012:MediaPackage'],
    ['arn:aws:iam::123456789012:user/MediaPackage', undefined],
    ['arn:aws:sts::123456789012:assumed-role/MediaPackage', undefined],
    ['x arn:aws:iam::123456789012:role/MediaPackage', undefined],
  ])('%s is %s', (arn, name) => expect(roleName(arn)).toBe(name));
});

describe('guesses', () => {
  it('wait twice as long each time, and a minute at most', () => {
    let now = 0;
    const guesses = new Guesses(() => now);
    const waits = Array.from({ length: 14 }, () => {
      guesses.failed('10.0.0.1', 'basic enc');
      return guesses.waitMs('10.0.0.1', 'basic enc');
    });
    expect(waits).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map((seconds) => seconds * 1_000));
    expect(guesses.waitMs('10.0.0.2', 'basic enc')).toBe(0);
    now = 60_000;
    expect(guesses.waitMs('10.0.0.1', 'basic enc')).toBe(0);
  });

  it('count for an address whatever the names', () => {
    const guesses = new Guesses(() => 0);
    for (let at = 0; at < 50; at++) guesses.failed('10.0.0.1', `basic user${at}`);
    expect(guesses.waitMs('10.0.0.1', 'basic another')).toBeGreaterThan(0);
  });
});

describe('traffic', () => {
  it('is let in at the rate of the minute, and no more at once than allowed', () => {
    let now = 0;
    const traffic = new Traffic(() => now);
    const limits = { requestsPerMinute: 60, concurrency: 100 };
    for (let at = 0; at < 60; at++) expect(traffic.enter('studio', limits)).toBe(0);
    expect(traffic.enter('studio', limits)).toBe(1);
    now = 1_000;
    expect(traffic.enter('studio', limits)).toBe(0);
    expect(traffic.enter('other', { concurrency: 1 })).toBe(0);
    expect(traffic.enter('other', { concurrency: 1 })).toBe(1);
    traffic.leave('other');
    expect(traffic.enter('other', { concurrency: 1 })).toBe(0);
  });
});

/** As a browser or SDK would write it. */
function wireQuery(parameters: Record<string, string | string[]>): string {
  const pairs = Object.entries(parameters).flatMap(([each, value]) =>
    [value].flat().map((one) => `${encodeURIComponent(each)}=${encodeURIComponent(one)}`),
  );
  return pairs.length > 0 ? `?${pairs.join('&')}` : '';
}
