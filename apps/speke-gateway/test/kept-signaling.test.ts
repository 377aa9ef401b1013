import { writeFileSync } from 'node:fs';
import { Fault } from '@latchkey/messages';
import { Encryptor, eventually, SPEKE_2_SYSTEMS, type DocumentWish } from '@latchkey/testing';
import { defaultTenant, signalingDigest, tenantSchema } from '@latchkey/tenants';
import { asked, behaviour, forget } from './answerers';
import { startGateway, tenantsFile, type TestGateway } from './gateway';

const WISH: DocumentWish = {
  version: '2.0',
  contentId: 'movie-1',
  keys: [{ keyId: '6bac8ec3-0ee3-379f-3d21-290b3a2bc9c3', explicitIv: 'OFj2IjCsPJFfMAxmQxLGPw==' }],
  systems: [SPEKE_2_SYSTEMS.widevine, SPEKE_2_SYSTEMS.playready],
};
const SETTINGS = signalingDigest(defaultTenant().signaling);

let gateway: TestGateway;
let encryptor: Encryptor;
beforeAll(async () => void (encryptor = await Encryptor.create()));
afterEach(async () => {
  await gateway.close();
  forget();
});

/** How many questions DRM systems were asked for it. */
async function questionsFor(wish: DocumentWish): Promise<number> {
  const before = asked.signaling.length;
  expect((await encryptor.ask(`${gateway.url}/copyProtection`, wish)).status).toBe(200);
  return asked.signaling.length - before;
}

describe('what a DRM system said', () => {
  it('is given again to whoever asks the same, with the key as it is issued now', async () => {
    gateway = await startGateway();
    behaviour.signalingSettings = SETTINGS;
    const url = `${gateway.url}/copyProtection`;
    const first = await (await encryptor.ask(url, WISH)).document();
    expect(asked.signaling).toHaveLength(2);
    const second = await (await encryptor.ask(url, WISH)).document();
    expect([asked.signaling.length, asked.issue.length]).toEqual([2, 2]);
    expect(second.systems).toEqual(first.systems);
  });

  it('is asked for anew by a question that differs in anything', async () => {
    gateway = await startGateway();
    behaviour.signalingSettings = SETTINGS;
    expect(await questionsFor(WISH)).toBe(2);
    const [key] = WISH.keys;
    const others: DocumentWish[] = [
      { ...WISH, contentId: 'movie-2' },
      { ...WISH, keys: [{ ...key!, explicitIv: 'AAAAAAAAAAAAAAAAAAAAAA==' }] },
      { ...WISH, keys: [{ ...key!, scheme: 'cbcs' }] },
      { ...WISH, keys: [{ ...key!, trackType: 'HD' }] },
      { ...WISH, period: { index: 2 } },
    ];
    for (const wish of others) expect([wish, await questionsFor(wish)]).toEqual([wish, 2]);
    expect(await questionsFor(WISH)).toBe(0);
  });

  it('is asked for each time where the DRM system does not say what it was made from, or something else than is known here', async () => {
    gateway = await startGateway();
    for (const settings of [undefined, 'of another version']) {
      behaviour.signalingSettings = settings;
      expect([await questionsFor(WISH), await questionsFor(WISH)]).toEqual([2, 2]);
    }
  });

  it('is asked for anew once the tenant is configured in another way', async () => {
    const tenant = (provider: string) => ({
      id: 'default',
      encryptors: [],
      signaling: { widevine: { provider } },
    });
    const settingsOf = (provider: string) => signalingDigest(tenantSchema.parse(tenant(provider)).signaling);
    const file = tenantsFile(tenant('before'));
    gateway = await startGateway({ TENANTS_FILE: file });
    behaviour.signalingSettings = settingsOf('before');
    expect([await questionsFor(WISH), await questionsFor(WISH)]).toEqual([2, 0]);
    writeFileSync(file, JSON.stringify({ tenants: [tenant('another one')] }));
    await eventually(async () => (await questionsFor(WISH)) === 2);
    behaviour.signalingSettings = settingsOf('another one');
    expect([await questionsFor(WISH), await questionsFor(WISH)]).toEqual([2, 0]);
  });

  it('is not kept if it was a fault', async () => {
    gateway = await startGateway();
    behaviour.signalingSettings = SETTINGS;
    behaviour.signalingFault = new Fault('UNAVAILABLE', 'not now');
    expect((await encryptor.ask(`${gateway.url}/copyProtection`, WISH)).status).toBe(503);
    behaviour.signalingFault = undefined;
    expect(await questionsFor(WISH)).toBe(2);
  });

  it('is kept as long as SIGNALING_KEPT_SECONDS says, or not at all', async () => {
    gateway = await startGateway({ SIGNALING_KEPT_SECONDS: '1' });
    behaviour.signalingSettings = SETTINGS;
    expect(await questionsFor(WISH)).toBe(2);
    await eventually(async () => (await questionsFor(WISH)) === 2);
    await gateway.close();
    gateway = await startGateway({ SIGNALING_KEPT_SECONDS: '0' });
    expect([await questionsFor(WISH), await questionsFor(WISH)]).toEqual([2, 2]);
  });
});
