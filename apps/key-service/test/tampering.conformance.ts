import { randomUUID } from 'node:crypto';
import { revokeKeys, shredContent } from '@latchkey/messages';
import { alterations, type RowTamperer } from './row-tamperer';
import { call, eventually, RunningServices, type Place } from './running-service';
import { newKeyId, temporaryDirectory } from './stores';

/** What happens when somebody writes where keys lie: an error and an alarm, never a wrong key, never a new one. */
export function describeTampering(place: () => Place, tamperer: () => RowTamperer): void {
  const directory = temporaryDirectory();
  let services: RunningServices;
  beforeAll(async () => {
    services = new RunningServices(place(), directory.path);
    await services.start();
  });
  afterAll(async () => {
    await services.stop();
    directory.remove();
  });

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
    const [issued] = await services.issue([], { contentId, keys });
    const row = await tamperer().read(contentId, keyId);
    const altered = alterations(row);
    expect(altered.length).toBeGreaterThan(80);
    for (const [name, attributes] of altered) {
      await tamperer().write(contentId, keyId, attributes);
      const answer = await services.issue([], { contentId, keys }).catch((error: { code?: string }) => error.code);
      expect([name, answer]).toEqual([name, 'TAMPERED']);
    }
    await expect(services.release([keyId], { contentId })).rejects.toMatchObject(tampered);
    await eventually(() => alarms(contentId).length === altered.length + 1);
    await tamperer().write(contentId, keyId, row);
    const [again] = await services.issue([], { contentId, keys });
    expect(again?.key).toBe(issued?.key);
  });

  it('serves no key under another identity', async () => {
    // promise 16
    const [one, two] = [randomUUID(), randomUUID()];
    const [first, second, unused] = [newKeyId(), newKeyId(), newKeyId()];
    await services.issue([first, second], { contentId: one });
    await services.issue([first], { contentId: two });
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
      await expect(services.issue([keyId], { contentId })).rejects.toMatchObject(tampered);
      await expect(services.release([keyId], { contentId })).rejects.toMatchObject(tampered);
    }
  });

  it('gives none of the keys of a request of which one row was altered', async () => {
    const contentId = randomUUID();
    const [good, bad, fresh] = [newKeyId(), newKeyId(), newKeyId()];
    await services.issue([good, bad], { contentId });
    const { box, ...rest } = await tamperer().read(contentId, bad);
    await tamperer().write(contentId, bad, { ...rest, box: Buffer.from(box as Buffer).reverse() });
    await expect(services.issue([good, bad, fresh], { contentId })).rejects.toMatchObject(tampered);
    expect(await services.release([fresh], { contentId })).toEqual({});
  });

  it('keeps a key revoked though its row was put back as it was', async () => {
    // promise 17
    const contentId = randomUUID();
    const [shredded, revoked] = [newKeyId(), newKeyId()];
    await services.issue([shredded, revoked], { contentId });
    const before = [await tamperer().read(contentId, shredded), await tamperer().read(contentId, revoked)];
    const act = { tenant: 'default', contentId, exchangeId: randomUUID(), requester: { encryptorId: 'operator' } };
    await services.bus.ask(revokeKeys, { ...act, keyIds: [revoked] }, call());
    await services.bus.ask(shredContent, { ...act, preview: false }, call());
    await tamperer().write(contentId, shredded, before[0]!);
    await tamperer().write(contentId, revoked, before[1]!);
    expect(await services.release([shredded, revoked], { contentId })).toEqual({});
    await expect(services.issue([shredded], { contentId })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
}
