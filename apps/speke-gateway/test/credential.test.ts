import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignatureV4 } from '@smithy/signature-v4';
import { temporaryDirectory } from '@latchkey/testing';
import { ENTRIES, newCredentialsKey, newSecret, type EntryOptions } from '../src/credential/entries';
import { Sha256 } from './sha256';
import { startGateway, tenantsFile, type TestGateway } from './gateway';

/** Let in, and refused for its body: without X-Speke-Version it is SPEKE 1, where that is 400. */
const IN = 400;
const keyFile = join(temporaryDirectory(), 'credentials.key');
writeFileSync(keyFile, newCredentialsKey());

let gateway: TestGateway;
afterEach(() => gateway.close());

const post = (headers: Record<string, string>) =>
  fetch(`${gateway.url}/copyProtection`, {
    method: 'POST',
    body: '<a/>',
    headers: { 'content-type': 'application/xml', ...headers },
  });

/** Starts a gateway that knows the printed entry and nobody else. */
async function startWith(method: string, options: Partial<EntryOptions> = {}) {
  const secret = newSecret();
  const defaults = { id: 'new', user: 'enc', header: 'x-api-key', keyFile, md5: true, random: true };
  const entry = (await ENTRIES[method]?.({ ...defaults, secret, ...options })) as Record<string, unknown>;
  expect(JSON.stringify(entry)).not.toContain(secret);
  gateway = await startGateway({
    CREDENTIALS_KEY_FILE: keyFile,
    TENANTS_FILE: tenantsFile({ id: 'studio', encryptors: [entry] }),
  });
  return { secret, entry };
}

describe('a credential that the command prints', () => {
  it('lets in by Basic', async () => {
    const { secret } = await startWith('basic');
    const authorization = `Basic ${Buffer.from(`enc:${secret}`).toString('base64')}`;
    expect((await post({ authorization })).status).toBe(IN);
  });

  it.each([true, false])('lets in by API key (made by us: %s)', async (random) => {
    const { secret, entry } = await startWith('api-key', { random });
    expect('hint' in entry).toBe(random);
    expect((await post({ 'x-api-key': secret })).status).toBe(IN);
  });

  it('lets in by SigV4', async () => {
    const { secret, entry } = await startWith('sigv4');
    const { host } = new URL(gateway.url);
    const signer = new SignatureV4({
      service: 'execute-api',
      region: 'eu-central-1',
      credentials: { accessKeyId: String(entry['accessKeyId']), secretAccessKey: secret },
      sha256: Sha256,
    });
    const { headers } = await signer.sign({
      method: 'POST',
      protocol: 'http:',
      hostname: host,
      path: '/copyProtection',
      headers: { host, 'content-type': 'application/xml' },
      body: '<a/>',
    });
    const { host: _, ...sent } = headers;
    expect((await post(sent)).status).toBe(IN);
  });

  it('challenges by Digest', async () => {
    await startWith('digest');
    const answer = await post({});
    expect(answer.headers.get('www-authenticate')).toMatch(/algorithm=SHA-256.*algorithm=MD5/);
  });
});
