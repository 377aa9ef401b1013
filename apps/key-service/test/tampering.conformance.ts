import { randomUUID } from 'node:crypto';
import { SYSTEM_IDS, type KeyId } from '@latchkey/cenc';
import { revokeKeys, shredContent } from '@latchkey/messages';
import { eventually, temporaryDirectory } from '@latchkey/testing';
import { alterations, type Attributes, type RowTamperer } from './row-tamperer';
import { call, RunningServices, untilAnswered, type Place } from './running-service';
import { newKeyId } from './stores';

/** What happens when somebody writes where keys lie: an error and an alarm, never a wrong key, never a new one. */
export function describeTampering(place: () => Place, tamperer: () => RowTamperer): void {
  const directory = temporaryDirectory();
  let services: RunningServices;
  beforeAll(async () => {
    services = new RunningServices(place(), directory);
    await services.start();
  });
  afterAll(async () => {
    await services.stop();
  });

  const issue = (...asked: Parameters<RunningServices['issue']>) => untilAnswered(() => services.issue(...asked));
  const release = (...asked: Parameters<RunningServices['release']>) => untilAnswered(() => services.release(...asked));
  const alarms = (contentId: string) =>
    services.events.filter(
      (event) => event.type === 'io.latchkey.key.tampered.v1' && event.data.contentId === contentId,
    );
  const tampered = { code: 'TAMPERED' };

  it('notices every bit, length and absence in a row, each with an alarm', async () => {
    // promise 15
    const contentId = randomUUID();
    const keyId = newKeyId();
    const keys = [{ keyId, needsExplicitIv: true, period: { index: 1 }, intendedTrackType: 'HD' }];
    const [issued] = await issue([], { contentId, keys });
    const row = await tamperer().read(contentId, keyId);
    const altered = alterations(row);
    expect(altered.length).toBeGreaterThan(80);
    for (const [name, attributes] of altered) {
      await tamperer().write(contentId, keyId, attributes);
      const answer = await issue([], { contentId, keys }).catch((error: { code?: string }) => error.code);
      expect([name, answer]).toEqual([name, 'TAMPERED']);
    }
    await expect(release([keyId], { contentId })).rejects.toMatchObject(tampered);
    await eventually(() => alarms(contentId).length > altered.length);
    await tamperer().write(contentId, keyId, row);
    const [again] = await issue([], { contentId, keys });
    expect(again?.key).toBe(issued?.key);
  });

  it('serves no key under another identity', async () => {
    // promise 16
    const [one, two] = [randomUUID(), randomUUID()];
    const [first, second, unused] = [newKeyId(), newKeyId(), newKeyId()];
    await issue([first, second], { contentId: one });
    await issue([first], { contentId: two });
    const rows = {
      first: await tamperer().read(one, first),
      second: await tamperer().read(one, second),
      other: await tamperer().read(two, first),
    };
    // Swapped, moved to another content, and copied to where there was none.
    await tamperer().write(one, first, rows.second);
    await tamperer().write(one, second, rows.first);
    await tamperer().write(two, first, rows.first);
    await tamperer().write(two, unused, rows.other);
    for (const [contentId, keyId] of [
      [one, first],
      [one, second],
      [two, first],
      [two, unused],
    ] as const) {
      await expect(issue([keyId], { contentId })).rejects.toMatchObject(tampered);
      await expect(release([keyId], { contentId })).rejects.toMatchObject(tampered);
    }
  });

  describe('delivery permits', () => {
    const [drm, clear] = [[SYSTEM_IDS.widevine], [SYSTEM_IDS.widevine, SYSTEM_IDS.hlsAes128]];

    /** A key that was made for DRM systems alone and permitted later. */
    async function permittedKey(contentId: string): Promise<KeyId> {
      const keyId = newKeyId();
      await issue([keyId], { contentId, systems: drm });
      await issue([keyId], { contentId, systems: clear });
      return keyId;
    }

    it('notices every bit, length and absence in a permit, when the key is released and when it is asked for again', async () => {
      const contentId = randomUUID();
      const keyId = await permittedKey(contentId);
      const permit = await tamperer().read(contentId, keyId, 'P');
      const altered = alterations(permit);
      expect(altered.length).toBeGreaterThan(40);
      for (const [name, attributes] of altered) {
        await tamperer().write(contentId, keyId, attributes, 'P');
        const answer = await release([keyId], { contentId }).catch((error: { code?: string }) => error.code);
        expect([name, answer]).toEqual([name, 'TAMPERED']);
      }
      await expect(issue([keyId], { contentId, systems: clear })).rejects.toMatchObject(tampered);
      await eventually(() => alarms(contentId).length > altered.length);
      await tamperer().write(contentId, keyId, permit, 'P');
      expect(Object.keys(await release([keyId], { contentId }))).toEqual([keyId]);
    });

    it('permits nothing by a row of another key, of another content, or that is no permit', async () => {
      // promise 16
      const [one, two] = [randomUUID(), randomUUID()];
      const permitted = await permittedKey(one);
      const drmOnly = newKeyId();
      await issue([drmOnly, permitted], { contentId: two, systems: drm });
      await issue([drmOnly], { contentId: one, systems: drm });
      const permit = await tamperer().read(one, permitted, 'P');
      const { dataKey, box, format } = await tamperer().read(two, drmOnly);
      const own = Object.fromEntries(
        Object.entries({ dataKey, box, format }).filter(([, value]) => value),
      ) as Attributes;
      for (const [contentId, keyId, row] of [
        [one, drmOnly, permit],
        [two, permitted, permit],
        [two, drmOnly, own],
        [one, drmOnly, { ...permit, dataKey: dataKey! }],
      ] as const) {
        await tamperer().write(contentId, keyId, row, 'P');
        await expect(release([keyId], { contentId })).rejects.toMatchObject(tampered);
      }
    });

    it('permits nothing by what a key row was made to say', async () => {
      const contentId = randomUUID();
      const keyId = newKeyId();
      await issue([keyId], { contentId, systems: drm });
      const row = await tamperer().read(contentId, keyId);
      const facts = JSON.stringify({ ...(JSON.parse(row['facts'] as string) as object), clearDelivery: true });
      await tamperer().write(contentId, keyId, { ...row, facts });
      await expect(release([keyId], { contentId })).rejects.toMatchObject(tampered);
    });
  });

  it('gives none of the keys of a request of which one row was altered', async () => {
    const contentId = randomUUID();
    const [good, bad, fresh] = [newKeyId(), newKeyId(), newKeyId()];
    await issue([good, bad], { contentId });
    const { box, ...rest } = await tamperer().read(contentId, bad);
    await tamperer().write(contentId, bad, { ...rest, box: Buffer.from(box as Buffer).reverse() });
    await expect(issue([good, bad, fresh], { contentId })).rejects.toMatchObject(tampered);
    expect(await release([fresh], { contentId })).toEqual({});
  });

  it('keeps a key revoked though its row was put back as it was', async () => {
    // promise 17
    const contentId = randomUUID();
    const [shredded, revoked] = [newKeyId(), newKeyId()];
    await issue([shredded, revoked], { contentId });
    const before = [await tamperer().read(contentId, shredded), await tamperer().read(contentId, revoked)];
    const act = { tenant: 'default', contentId, exchangeId: randomUUID(), requester: { encryptorId: 'operator' } };
    await services.bus.ask(revokeKeys, { ...act, keyIds: [revoked] }, call());
    await services.bus.ask(shredContent, { ...act, preview: false }, call());
    await tamperer().write(contentId, shredded, before[0]!);
    await tamperer().write(contentId, revoked, before[1]!);
    expect(await release([shredded, revoked], { contentId })).toEqual({});
    await expect(issue([shredded], { contentId })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
}
