import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Encryptor, SPEKE_2_SYSTEMS } from '@latchkey/testing';
import { answered } from './answered';
import { startStandalone, until, type System } from './system';

const { playready } = SPEKE_2_SYSTEMS;
// What Microsoft's published test key seed gives (its documentation holds headers with this pair's checksum, 5TzIYQ2hrOY=).
const KEY_ID = '10000000-1000-1000-1000-100000000001';
const KEY = Buffer.from('3a2a1b68dd2bd9b2eeb25e84c4776668', 'hex');

describe('a tenant that is licensed by the PlayReady test server', () => {
  const work = mkdtempSync(join(tmpdir(), 'latchkey-test-server-'));
  const tenantsFile = join(work, 'tenants.yaml');
  let system: System;
  let encryptor: Encryptor;

  beforeAll(async () => {
    const fixed = { mode: 'fixed', keys: [{ trackType: '*', keyId: KEY_ID, key: KEY.toString('base64') }] };
    writeFileSync(tenantsFile, tenants({ keyIdOverride: fixed }));
    [system, encryptor] = await Promise.all([
      startStandalone({ environment: { TENANTS_FILE: tenantsFile } }),
      Encryptor.create(),
    ]);
  }, 60_000);
  afterAll(async () => {
    await system.stop();
    system.removeData();
    rmSync(work, { recursive: true });
  });

  it.each([
    ['cenc', '4.0.0.0', 'aes128bitctr'],
    ['cbcs', '4.3.0.0', 'aes128bitcbc'],
  ])('gets with %s a key that the server has, and a header that sends players there', async (scheme, version, type) => {
    const answer = await answered(system, encryptor, wish(scheme, `licensed ${scheme}`));
    expect(answer.keys.map(({ keyId, key }) => [keyId, key])).toEqual([[KEY_ID, KEY]]);
    const object = Buffer.from(answer.systems[0]?.items.get('SmoothStreamingProtectionHeaderData') ?? '', 'base64');
    const header = object.toString('utf16le', 10);
    expect(header).toContain(`version="${version}"`);
    expect(header).toContain(
      '<LA_URL>https://test.playready.microsoft.com/service/rightsmanager.asmx?cfg=' +
        `(kid:${KEY_ID},ckt:${type},persist:false,sl:150)</LA_URL>`,
    );
    if (scheme === 'cenc') expect(header).toContain('<CHECKSUM>5TzIYQ2hrOY=</CHECKSUM>');
  });

  it('is refused other keys rather than given signaling that licenses nothing', async () => {
    writeFileSync(tenantsFile, tenants({}));
    const ask = () => encryptor.ask(`${system.spekeUrl}/copyProtection`, wish('cenc', randomUUID()));
    await until(async () => (await ask()).status !== 200);
    const { status, body } = await ask();
    expect(status).toBe(412);
    expect(body).toContain('test key seed');
  });

  function tenants(policy: object): string {
    return JSON.stringify({ tenants: [{ id: 'default', policy, signaling: { playready: { testServer: true } } }] });
  }

  function wish(scheme: string, contentId: string) {
    return { version: '2.0', contentId, keys: [{ keyId: randomUUID(), scheme }], systems: [playready] } as const;
  }
});
