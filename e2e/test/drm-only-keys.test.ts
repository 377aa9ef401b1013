import { randomUUID } from 'node:crypto';
import { eventually, Encryptor, SPEKE_1_SYSTEMS, SPEKE_2_SYSTEMS, type DocumentWish } from '@latchkey/testing';
import { answered } from './answered';
import { startStandalone, type System } from './system';

const { widevine, playready, fairplay } = SPEKE_2_SYSTEMS;
const clearKey = { systemId: 'e2719d58-a985-b3c9-781a-b030af78d30e', items: ['ContentProtectionData'] };
const common = { systemId: '1077efec-c0b2-4d02-ace3-3c1e52e2fb4b', items: ['PSSH'] };

const TRACKS = [{ trackType: 'VIDEO' }, { trackType: 'AUDIO', filters: ['<cpix:AudioFilter/>'] }] as const;

describe('keys of DRM systems at the door of players', () => {
  let system: System;
  let encryptor: Encryptor;

  beforeAll(async () => {
    [system, encryptor] = await Promise.all([startStandalone(), Encryptor.create()]);
  });
  afterAll(async () => {
    await system.stop();
    system.removeData();
  });

  const wish = (contentId: string, keyIds: readonly string[], systems: DocumentWish['systems']): DocumentWish => ({
    version: '2.0',
    contentId,
    keys: keyIds.map((keyId, at) => ({ keyId, scheme: 'cbcs', ...TRACKS[at] })),
    systems,
  });
  const issue = (contentId: string, keyIds: readonly string[], systems: DocumentWish['systems']) =>
    answered(system, encryptor, wish(contentId, keyIds, systems));

  const getKey = async (contentId: string, keyId: string) => {
    const response = await fetch(`${system.deliveryUrl}/keys/default/${contentId}/${keyId}`);
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
  };
  const getLicense = async (contentId: string, keyIds: readonly string[]) => {
    const kids = keyIds.map((keyId) => Buffer.from(keyId.replaceAll('-', ''), 'hex').toString('base64url'));
    const body = JSON.stringify({ kids });
    const response = await fetch(`${system.deliveryUrl}/clearkey/default/${contentId}`, { method: 'POST', body });
    const { keys = [] } = (await response.json()) as { keys?: { k: string }[] };
    return { status: response.status, keys: keys.map(({ k }) => Buffer.from(k, 'base64url')) };
  };

  /** What the console knows of a key. */
  const reportOf = async (keyId: string) => {
    const response = await fetch(`${system.consoleUrl}/v1/keys/${keyId}`);
    return ((await response.json()) as { contents?: { deliverableSince?: string }[] }).contents?.[0];
  };

  it('are not there for any player, as a key or in a licence, and the ledger says why', async () => {
    const [contentId, keyId, unknown] = [randomUUID(), randomUUID(), randomUUID()];
    await issue(contentId, [keyId], [widevine, playready, fairplay, common]);
    const [refused, absent] = [await getKey(contentId, keyId), await getKey(contentId, unknown)];
    expect(refused.status).toBe(404);
    // But for the request's own ID.
    const said = ({ body }: typeof refused) => ({ ...(JSON.parse(body.toString()) as object), instance: undefined });
    expect(said(refused)).toEqual(said(absent));
    expect(await getLicense(contentId, [keyId, unknown])).toEqual({ status: 404, keys: [] });

    const events = async () => JSON.stringify(await reportOf(keyId));
    await eventually(async () => {
      const told = await events();
      return told?.includes('drm-only-key') && told.includes('DRM_ONLY');
    });
    expect(await events()).not.toContain('key.released');
  });

  it('come once an encryptor has asked for them with a clear-key system, in either version of SPEKE', async () => {
    const [contentId, first, second] = [randomUUID(), randomUUID(), randomUUID()];
    const { keys } = await issue(contentId, [first, second], [widevine]);
    const [one, two] = keys.map(({ key }) => key);
    expect((await getKey(contentId, first)).status).toBe(404);
    const deliverable = async () => (await reportOf(first))?.deliverableSince;
    await eventually(async () => (await reportOf(first)) !== undefined);
    expect(await deliverable()).toBeUndefined();
    await issue(contentId, [first], [widevine, clearKey]);
    const speke1 = {
      version: '1.0',
      contentId,
      keys: [{ keyId: second }],
      systems: [SPEKE_1_SYSTEMS.hlsAes128],
    } as const;
    expect((await encryptor.ask(`${system.spekeUrl}/copyProtection`, speke1)).status).toBe(200);
    await eventually(async () => (await getKey(contentId, first)).status === 200);
    expect((await getKey(contentId, first)).body).toEqual(one);
    expect((await getLicense(contentId, [second])).keys).toEqual([two]);
    await eventually(async () => (await deliverable()) !== undefined);
  });

  it('stay away where the document names clear-key systems for other keys only', async () => {
    const [contentId, audio, video] = [randomUUID(), randomUUID(), randomUUID()];
    const { keys } = await issue(contentId, [audio, video], [widevine, { ...clearKey, keyIds: [audio] }]);
    expect((await getLicense(contentId, [audio, video])).keys).toEqual([keys[0]?.key]);
    expect((await getKey(contentId, video)).status).toBe(404);
  });
});
