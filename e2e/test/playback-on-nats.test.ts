import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, temporaryDirectory, Encryptor, SPEKE_2_SYSTEMS } from '@latchkey/testing';
import { SignJWT } from 'jose';
import { answered, said } from './answered';
import { describeWith } from './parts';
import { startServices, type System } from './system';

const tokenSecret = randomBytes(32);
const operatorToken = randomBytes(32).toString('base64url');
const contentId = `live/channel ${randomUUID()}`;

describeWith(['nats-server'])('players of services on NATS', () => {
  const work = temporaryDirectory();
  let system: System;
  let encryptor: Encryptor;
  let token: string;

  beforeAll(async () => {
    encryptor = await Encryptor.create();
    token = await tokenFor(contentId);
    system = await startServices({ environment: { TENANTS_FILE: tenantsFile(), CONSOLE_ACCESS_FILE: accessFile() } });
  });
  afterAll(async () => {
    await system.stop();
    system.removeData();
  });

  it('get the key that the encryptor got, at the URL that signaling says', async () => {
    const { key, url } = await issue();
    const response = await get(url, token);
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).equals(key)).toBe(true);
  });

  // promise 36
  it('get none without a token for it', async () => {
    const { url } = await issue();
    expect((await get(url)).status).toBe(401);
    expect((await get(url, await tokenFor('another'))).status).toBe(403);
  });

  it('get keys that are in memory, and no others, while key-service is down', async () => {
    const asked = await issue();
    expect((await get(asked.url, token)).status).toBe(200);
    // Nobody has asked for this one: the news that it was issued brings it.
    const warmed = await issue();
    await eventually(async () => (await historyOf(warmed.keyId)).includes('key.released'));
    const absent = url(randomUUID());
    await system.process('key-service').kill('SIGKILL');
    for (const each of [asked, warmed]) expect((await get(each.url, token)).status).toBe(200);
    const refused = await get(absent, token);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    system.process('key-service').start();
    await eventually(async () => (await get(absent, token)).status === 404);
  });

  it('get a revoked key no longer, though it was in memory', async () => {
    const { keyId, url } = await issue();
    expect((await get(url, token)).status).toBe(200);
    const revoked = await fetch(`${system.consoleUrl}/v1/contents/${encodeURIComponent(contentId)}/revoke`, {
      method: 'POST',
      headers: { authorization: `Bearer ${operatorToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ keyIds: [keyId] }),
    });
    expect(revoked.status).toBe(200);
    await eventually(async () => (await get(url, token)).status === 404);
  });

  // promise 9
  it('leave no token and no signature in any log', async () => {
    await get((await issue()).url, token);
    await get(`${(await issue()).url}?token=${token}`);
    const output = system.output();
    expect(output).toContain('key-delivery');
    expect(output).not.toContain(token);
    expect(output).not.toContain(token.split('.')[2]);
  });

  /** What the console tells of a key. */
  async function historyOf(id: string): Promise<string> {
    const headers = { authorization: `Bearer ${operatorToken}` };
    return (await fetch(`${system.consoleUrl}/v1/keys/${id}`, { headers })).text();
  }

  async function issue() {
    const keyId = randomUUID();
    const answer = await answered(system, encryptor, {
      version: '2.0',
      contentId,
      keys: [{ keyId, scheme: 'cbc1' }],
      systems: [SPEKE_2_SYSTEMS.clearKeyAes128],
    });
    const line = said(answer, SPEKE_2_SYSTEMS.clearKeyAes128.systemId, keyId, 'HLSSignalingData:media');
    const [, written = ''] = /URI="([^"]+)"/.exec(line) ?? [];
    expect(written).toBe(url(keyId));
    return { keyId, key: answer.keys[0]?.key ?? Buffer.alloc(0), url: written };
  }

  function url(keyId: string): string {
    return `${system.deliveryUrl}/keys/default/${encodeURIComponent(contentId)}/${keyId}`;
  }

  function get(keyUrl: string, bearer?: string): Promise<Response> {
    return fetch(keyUrl, { headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` } });
  }

  function tokenFor(content: string): Promise<string> {
    return new SignJWT({ contentId: content })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('https://login.example.com')
      .setAudience('keys')
      .setExpirationTime('1h')
      .sign(tokenSecret);
  }

  function tenantsFile(): string {
    const secrets = [{ secret: tokenSecret.toString('base64url') }];
    const entitlement = {
      mode: 'jwt',
      algorithms: ['HS256'],
      secrets,
      issuer: 'https://login.example.com',
      audience: 'keys',
    };
    return write('tenants.json', { tenants: [{ id: 'default', delivery: { entitlement } }] });
  }

  function accessFile(): string {
    const sha256 = createHash('sha256').update(operatorToken).digest('hex');
    return write('access.json', { tokens: [{ id: 'test', sha256, roles: ['operator'] }] });
  }

  function write(name: string, content: unknown): string {
    const path = join(work, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  }
});
