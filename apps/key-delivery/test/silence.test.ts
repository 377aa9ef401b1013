import { Writable } from 'node:stream';
import { createLogger } from '@latchkey/runtime';
import { SignJWT } from 'jose';
import { keyPath, startDelivery } from './delivery';
import { quietContext, someKeyId, someSecret } from './key-answerer';

// promise 9
it('no token, signature or key is in any log line, however much is logged', async () => {
  const written: Buffer[] = [];
  const log = new Writable({
    write(chunk: Buffer, _, done) {
      written.push(Buffer.from(chunk));
      done();
    },
  });
  const { secret, key: hmacKey } = someSecret();
  const delivery = await startDelivery(
    {
      jwt: { entitlement: { mode: 'jwt', algorithms: ['HS256'], secrets: [{ secret }], issuer: 'i', audience: 'a' } },
      signed: { entitlement: { mode: 'signed-url', secrets: [{ kid: 'k1', secret }] } },
    },
    { context: { ...quietContext('key-delivery'), logger: createLogger('key-delivery', { LOG_LEVEL: 'trace' }, log) } },
  );
  const token = await new SignJWT({ contentId: 'movie', sub: 'viewer-1' })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('i')
    .setAudience('a')
    .setExpirationTime('1h')
    .sign(hmacKey);
  const signature = 'S'.repeat(43);
  const keyId = someKeyId();
  const key = delivery.answerer.put('jwt', 'movie', keyId);
  const url = `${delivery.url}${keyPath('jwt', 'movie', keyId)}`;
  const headers = { authorization: `Bearer ${token}` };

  await fetch(url, { headers });
  await fetch(`${url}?token=${token}`);
  await fetch(url, { headers: { cookie: `latchkey=${token}` } });
  await fetch(`${url}x?token=${token}`);
  await fetch(url.replace('movie', 'other'), { headers });
  await fetch(
    `${delivery.url}${keyPath('signed', 'movie', keyId)}?expires=9999999999&signer=k1&signature=${signature}`,
  );
  delivery.answerer.before = async () => {
    throw new Error('a mistake');
  };
  expect((await fetch(`${delivery.url}${keyPath('jwt', 'movie', someKeyId())}?token=${token}`)).status).toBe(500);
  await delivery.close();

  const text = Buffer.concat(written);
  expect(text.toString()).toContain('content-not-granted');
  const secrets = [
    token,
    token.split('.')[2] as string,
    signature,
    secret,
    key.toString('hex'),
    key.toString('base64'),
  ];
  for (const each of [...secrets, key.toString('base64url'), key]) expect(text.includes(each)).toBe(false);
});
