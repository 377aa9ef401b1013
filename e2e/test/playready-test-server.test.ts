import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, temporaryDirectory, Encryptor, SPEKE_2_SYSTEMS } from '@latchkey/testing';
import { answered } from './answered';
import { startStandalone, type System } from './system';

const { playready, widevine } = SPEKE_2_SYSTEMS;
// What Microsoft's published test key seed gives (its documentation holds headers with this pair's checksum, 5TzIYQ2hrOY=).
const KEY_ID = '10000000-1000-1000-1000-100000000001';
const KEY = Buffer.from('3a2a1b68dd2bd9b2eeb25e84c4776668', 'hex');
const SETTINGS = {
  seed: { keys: { source: 'playready-test-seed' }, policy: { drmSystems: [playready.systemId] } },
  fixed: {
    policy: {
      keyIdOverride: { mode: 'fixed', keys: [{ trackType: '*', keyId: KEY_ID, key: KEY.toString('base64') }] },
    },
  },
};

describe('a tenant that is licensed by the PlayReady test server', () => {
  const work = temporaryDirectory();
  const tenantsFile = join(work, 'tenants.yaml');
  let system: System;
  let encryptor: Encryptor;

  beforeAll(async () => {
    configure(SETTINGS.seed);
    [system, encryptor] = await Promise.all([
      startStandalone({ environment: { TENANTS_FILE: tenantsFile } }),
      Encryptor.create(),
    ]);
  });
  afterAll(async () => {
    await system.stop();
    system.removeData();
  });

  describe.each(['seed', 'fixed'] as const)('with the settings %s', (name) => {
    // With fixed keys any key ID is answered with the configured one.
    const asked = () => (name === 'seed' ? KEY_ID : randomUUID());

    beforeAll(async () => {
      configure(SETTINGS[name]);
      await eventually(async () => (await ask('cenc', randomUUID(), asked())).body.includes(`kid="${KEY_ID}"`));
    });

    it.each([
      ['cenc', '4.0.0.0', 'aes128bitctr'],
      ['cbcs', '4.3.0.0', 'aes128bitcbc'],
    ])(
      'gets with %s a key that the server has, and a header that sends players there',
      async (scheme, version, type) => {
        const answer = await answered(system, encryptor, wish(scheme, `${name} ${scheme}`, asked()));
        expect(answer.keys.map(({ keyId, key }) => [keyId, key])).toEqual([[KEY_ID, KEY]]);
        const object = Buffer.from(answer.systems[0]?.items.get('SmoothStreamingProtectionHeaderData') ?? '', 'base64');
        const header = object.toString('utf16le', 10);
        expect(header).toContain(`version="${version}"`);
        expect(header).toContain(
          '<LA_URL>https://test.playready.microsoft.com/service/rightsmanager.asmx?cfg=' +
            `(kid:${KEY_ID},ckt:${type},persist:false,sl:150)</LA_URL>`,
        );
        if (scheme === 'cenc') expect(header).toContain('<CHECKSUM>5TzIYQ2hrOY=</CHECKSUM>');
      },
    );
  });

  it('gets the key of any key ID that its encryptor chooses, from the seed, and is told at start what that means', async () => {
    configure(SETTINGS.seed);
    const chosen = randomUUID();
    // Each service reads the file in its own time; with fixed keys the answer was 200 too, for another key ID.
    await eventually(async () => (await ask('cenc', randomUUID(), chosen)).body.includes(`kid="${chosen}"`));
    expect(system.output()).toMatch(/tenant default has keys that anybody can make/);
    const widevineToo = { ...wish('cenc', randomUUID(), randomUUID()), systems: [playready, widevine] };
    await eventually(
      async () => (await encryptor.ask(`${system.spekeUrl}/copyProtection`, widevineToo)).status === 422,
    );
  });

  it('is refused its test keys once its keys are real ones', async () => {
    configure({});
    await eventually(async () => (await ask('cenc', randomUUID(), randomUUID())).status === 412);
    await eventually(async () => (await ask('cenc', 'seed cenc', KEY_ID)).status === 409);
    expect((await ask('cenc', 'seed cenc', KEY_ID)).body).toContain('public PlayReady test seed');
  });

  it('is refused other keys rather than given signaling that licenses nothing', async () => {
    const { status, body } = await ask('cenc', randomUUID(), randomUUID());
    expect(status).toBe(412);
    expect(body).toContain('test key seed');
  });

  function configure(settings: object): void {
    const tenant = { id: 'default', signaling: { playready: { testServer: true } }, ...settings };
    writeFileSync(tenantsFile, JSON.stringify({ tenants: [tenant] }));
  }

  function wish(scheme: string, contentId: string, keyId: string) {
    return { version: '2.0', contentId, keys: [{ keyId, scheme }], systems: [playready] } as const;
  }

  function ask(scheme: string, contentId: string, keyId: string) {
    return encryptor.ask(`${system.spekeUrl}/copyProtection`, wish(scheme, contentId, keyId));
  }
});
