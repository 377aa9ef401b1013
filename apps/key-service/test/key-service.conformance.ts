import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  privateDecrypt,
  randomBytes,
  randomUUID,
  constants,
} from 'node:crypto';
import { keyIdGuidBytes, parseKeyId, SYSTEM_IDS, type ContentKey, type KeyId, type SystemId } from '@latchkey/cenc';
import {
  deleteDocument,
  describeContent,
  getDocument,
  importKeys,
  putDocument,
  recordRefusal,
  revokeKeys,
  sealingKey,
  shredContent,
  type LatchkeyEvent,
} from '@latchkey/messages';
import { Deadline } from '@latchkey/bus';
import { eventually, temporaryDirectory } from '@latchkey/testing';
import type { AuditRecord } from '../src/audit/audit-log';
import { contentKeyOf, selfSigned, type TestCertificate } from './certificates';
import { call, RunningServices, untilAnswered, type Place } from './running-service';
import { newKeyId } from './stores';

const requester = { encryptorId: 'operator' };
const soon = () => Deadline.in(60_000);

/**
 * What the key service does wherever it keeps its keys. `processes`: how many work side by side on one store (the embedded
 * store is for one).
 */
export function describeKeyService(place: () => Place, processes: number): void {
  const directory = temporaryDirectory();
  let services: RunningServices;
  beforeAll(async () => {
    services = new RunningServices(place(), directory);
    await services.start(processes);
  });
  afterAll(async () => {
    await services.stop();
  });
  const name = (contentId: string, tenant = 'default') => ({ tenant, contentId });
  const eventsOf = (contentId: string, type: LatchkeyEvent['type']) =>
    services.events.filter(
      (event) => event.type === type && 'contentId' in event.data && event.data.contentId === contentId,
    );

  describe('issuing', () => {
    it('answers the same keys again, after a restart, and to key-delivery', async () => {
      // promises 1, 5
      const keyIds = [newKeyId(), newKeyId()];
      const first = await services.issue(keyIds);
      const known = first.map((each) => ({ ...each, created: false }));
      expect(first.every(({ created }) => created)).toBe(true);
      expect(await services.issue(keyIds)).toEqual(known);
      await services.restart();
      expect(await services.issue([...keyIds].reverse())).toEqual([...known].reverse());
      expect(await services.release(keyIds)).toEqual(Object.fromEntries(first.map(({ keyId, key }) => [keyId, key])));
      await services.stop();
      await services.start(processes);
    });

    it('gives one key to 200 that ask at once, each for some of the same key IDs', async () => {
      // promise 2
      const keyIds = Array.from({ length: 12 }, newKeyId);
      const contentId = randomUUID();
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, n) => {
          const some = keyIds.filter((_, at) => (at + n) % 3 !== 0);
          return untilAnswered(() => services.issue(n % 2 ? some : some.reverse(), { contentId }));
        }),
      );
      const distinct = new Set(answers.flat().map(({ keyId, key }) => `${keyId} ${key}`));
      expect(distinct.size).toBe(12);
      expect(answers.flat().filter(({ created }) => created).length).toBeLessThanOrEqual(12);
    });

    it('answers the same key whatever else the question says', async () => {
      // promise 5
      const keyId = newKeyId();
      const [first] = await services.issue([keyId]);
      const keys = (change: object) => ({ keys: [{ keyId, needsExplicitIv: false, ...change }] });
      const others = await Promise.all([
        services.issue([keyId], { spekeVersion: '1.0', ...keys({}) }),
        services.issue([keyId], { spekeVersion: '2.1', ...keys({ scheme: 'cenc' }) }),
        services.issue([keyId], keys({ period: { index: 7 } })),
        services.issue([keyId], keys({ intendedTrackType: 'UHD', explicitIv: randomBytes(16).toString('base64') })),
      ]);
      expect(others.flat().map(({ key }) => key)).toEqual(Array(4).fill(first?.key));
    });

    it('gives the checksum of PlayReady', async () => {
      const [issued] = await services.issue([newKeyId()]);
      const cipher = createCipheriv('aes-128-ecb', Buffer.from(issued!.key, 'hex'), null);
      const expected = cipher.update(keyIdGuidBytes(issued!.keyId)).subarray(0, 8).toString('base64');
      expect(issued?.checksum).toBe(expected);
    });

    it('keeps the IV that was made, or brought, with the key; what is brought later comes back and is not kept', async () => {
      const [own, brought] = [newKeyId(), newKeyId()];
      const iv = () => randomBytes(16).toString('base64');
      const [first, second] = [iv(), iv()];
      const ask = (keyId: typeof own, explicitIv?: string, needsExplicitIv = true) =>
        services
          .issue([], { keys: [{ keyId, needsExplicitIv, ...(explicitIv !== undefined && { explicitIv }) }] })
          .then(([key]) => key?.explicitIv);
      const made = await ask(own);
      expect(Buffer.from(made ?? '', 'base64')).toHaveLength(16);
      expect(await ask(own)).toBe(made);
      expect(await ask(own, undefined, false)).toBeUndefined();
      expect(await ask(brought, first)).toBe(first);
      expect(await ask(brought)).toBe(first);
      expect(await ask(brought, second)).toBe(second);
      expect(await ask(brought)).toBe(first);
    });

    it('takes an IV in unusual base64 and gives it back as it was written', async () => {
      // From the SPEKE documentation's own example of a 2.0 request.
      const explicitIv = 'L6jzdXrXAFbCJGBuMrrKrG==';
      const keyId = newKeyId();
      const [key] = await services.issue([], { keys: [{ keyId, explicitIv, needsExplicitIv: true }] });
      expect(key?.explicitIv).toBe(explicitIv);
      const short = services.issue([], { keys: [{ keyId: newKeyId(), explicitIv: 'AAAA', needsExplicitIv: true }] });
      await expect(short).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    });

    it('encrypts for every certificate that came with the request', async () => {
      // promise 12
      const recipients = [await selfSigned(), await selfSigned()];
      const keyIds = [newKeyId(), newKeyId()];
      const request = services.request(keyIds, {
        delivery: { kind: 'recipients', certificates: recipients.map(({ base64 }) => base64) },
      });
      const reply = await services.ask(request);
      expect(reply.sealedBy).toBeUndefined();
      const clear = await services.issue(keyIds);
      for (const [at, recipient] of recipients.entries()) {
        expect(reply.keys.map((key) => decrypted(recipient, reply.recipients?.[at], key.secret))).toEqual(
          clear.map(({ key }) => key),
        );
      }
    });

    it('makes no key for a certificate that is no good', async () => {
      const keyId = newKeyId();
      const contentId = randomUUID();
      const certificates = [(await selfSigned()).base64, Buffer.from('no certificate').toString('base64')];
      const refused = services.issue([keyId], { contentId, delivery: { kind: 'recipients', certificates } });
      await expect(refused).rejects.toMatchObject({ code: 'UNUSABLE_CERTIFICATE' });
      const { rows } = await place().store().read(name(contentId), [keyId], soon());
      expect(rows.size).toBe(0);
    });

    it('makes none for whoever asks for existing ones only', async () => {
      const [known, unknown] = [newKeyId(), newKeyId()];
      const contentId = randomUUID();
      const [made] = await services.issue([known], { contentId });
      const [read] = await services.issue([known], { contentId, onlyExisting: true });
      expect(read?.key).toBe(made?.key);
      const refused = services.issue([known, unknown], { contentId, onlyExisting: true });
      await expect(refused).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
      const { rows } = await place().store().read(name(contentId), [unknown], soon());
      expect(rows.size).toBe(0);
    });

    it('keeps tenants apart, and knows only those that are configured', async () => {
      // promise 39
      const keyId = newKeyId();
      const [ours] = await services.issue([keyId]);
      const [theirs] = await services.issue([keyId], { tenant: 'other' });
      expect(theirs?.key).not.toBe(ours?.key);
      expect(await services.release([keyId], { tenant: 'brief' })).toEqual({});
      await expect(services.issue([keyId], { tenant: 'nobody' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    });
  });

  describe('clear delivery', () => {
    const { widevine, playready, fairplay, common, clearKey, clearKeyAes128, clearKeySampleAes, hlsAes128 } =
      SYSTEM_IDS;
    const drm = [widevine, playready, fairplay, common];
    const withheld = (reply: { keys: readonly object[]; withheld?: readonly KeyId[] | undefined }) => [
      reply.keys.length,
      reply.withheld,
    ];

    it.each([clearKey, clearKeyAes128, clearKeySampleAes, hlsAes128])(
      'releases a key issued for %s',
      async (system) => {
        const keyId = newKeyId();
        const contentId = randomUUID();
        const [issued] = await services.issue([keyId], { contentId, systems: [widevine, system] });
        expect(await services.release([keyId], { contentId })).toEqual({ [keyId]: issued?.key });
      },
    );

    it('releases no key that was issued for DRM systems alone, however often, and says so to nobody but the records', async () => {
      const keyId = newKeyId();
      const contentId = randomUUID();
      await services.issue([keyId], { contentId, systems: drm });
      await services.issue([keyId], { contentId, systems: [] });
      expect(withheld(await services.askRelease([keyId, newKeyId()], { contentId, subject: 'viewer-1' }))).toEqual([
        0,
        [keyId],
      ]);
      await services.askRelease([keyId], { contentId, reason: 'warm' });
      await eventually(() => eventsOf(contentId, 'io.latchkey.key.refused.v1').length > 0);
      expect(eventsOf(contentId, 'io.latchkey.key.refused.v1').map(({ data }) => data)).toEqual([
        expect.objectContaining({
          code: 'DRM_ONLY',
          keyIds: [keyId],
          subject: 'viewer-1',
          requester: { encryptorId: 'key-delivery' },
        }),
      ]);
      expect(eventsOf(contentId, 'io.latchkey.key.released.v1')).toEqual([]);
    });

    it('releases a key once it was asked for with a clear-key system too, after a restart as well', async () => {
      const keyId = newKeyId();
      const contentId = randomUUID();
      const [issued] = await services.issue([keyId], { contentId, systems: drm });
      expect(await services.release([keyId], { contentId })).toEqual({});
      const [again] = await services.issue([keyId], { contentId, systems: [...drm, hlsAes128] });
      expect(again).toEqual({ ...issued, created: false });
      await services.issue([keyId], { contentId, systems: [hlsAes128] });
      await services.issue([keyId], { contentId, systems: drm });
      expect(await services.release([keyId], { contentId })).toEqual({ [keyId]: issued?.key });
      await services.restart();
      expect(await services.release([keyId], { contentId })).toEqual({ [keyId]: issued?.key });
      await services.stop();
      await services.start(processes);
      // One record says when it came to be permitted.
      await eventually(() => eventsOf(contentId, 'io.latchkey.key.reissued.v1').length === 3);
      const told = eventsOf(contentId, 'io.latchkey.key.reissued.v1').flatMap(({ data }) =>
        'keys' in data ? data.keys : [],
      );
      expect(told.filter(({ clearDelivery }) => clearDelivery)).toHaveLength(1);
    });

    it('permits once, though many ask at once, and nobody of them is refused', async () => {
      const keyIds = Array.from({ length: 6 }, newKeyId);
      const contentId = randomUUID();
      const issued = await services.issue(keyIds, { contentId, systems: [widevine] });
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          untilAnswered(() =>
            services.issue([...keyIds.slice(n % 3), newKeyId()], { contentId, systems: [clearKeyAes128] }),
          ),
        ),
      );
      expect(new Set(answers.flat().map(({ keyId, key }) => `${keyId} ${key}`)).size).toBe(6 + 40);
      expect(Object.keys(await services.release(keyIds, { contentId })).sort()).toEqual([...keyIds].sort());
      expect(await services.release([keyIds[0]!], { contentId })).toEqual({ [keyIds[0]!]: issued[0]?.key });
    });

    it('goes by the systems of each key, where a document names others for others', async () => {
      const [audio, video] = [newKeyId(), newKeyId()];
      const contentId = randomUUID();
      const keys = (of: (keyId: KeyId) => SystemId[] | undefined) =>
        [audio, video].map((keyId) => ({ keyId, needsExplicitIv: false, systems: of(keyId) }));
      await services.issue([], {
        contentId,
        systems: [widevine, clearKey],
        keys: keys((keyId) => (keyId === audio ? [clearKey] : [widevine])),
      });
      expect(Object.keys(await services.release([audio, video], { contentId }))).toEqual([audio]);
      await services.issue([], { contentId, systems: [clearKey], keys: keys(() => undefined) });
      expect(Object.keys(await services.release([audio, video], { contentId }))).toHaveLength(2);
    });

    it('releases keys of DRM systems for a tenant that says so, and tells them apart', async () => {
      const [drmOnly, clear] = [newKeyId(), newKeyId()];
      const content = { tenant: 'laxer', contentId: randomUUID() };
      await services.issue([drmOnly], { ...content, systems: drm });
      await services.issue([clear], { ...content, systems: [hlsAes128] });
      const reply = await services.askRelease([drmOnly, clear], content);
      expect(reply.withheld).toBeUndefined();
      expect(new Map(reply.keys.map((key) => [key.keyId, key.drmOnly]))).toEqual(
        new Map([
          [drmOnly, true],
          [clear, undefined],
        ]),
      );
    });
  });

  describe('retention', () => {
    it('serves a key until its expiry and not after, whether or not the row is still there', async () => {
      // promise 7
      const brief = { tenant: 'brief', contentId: randomUUID() };
      const released = async (keyId: KeyId) => Object.keys(await untilAnswered(() => services.release([keyId], brief)));
      let keyId = newKeyId();
      let issuedAt = 0;
      // On a busy machine one may be over before it is asked for.
      do {
        keyId = newKeyId();
        issuedAt = Date.now();
        await services.issue([keyId], brief);
      } while ((await released(keyId)).length === 0);
      await eventually(async () => (await released(keyId)).length === 0);
      expect(Date.now() - issuedAt).toBeGreaterThanOrEqual(2_000);
      await expect(services.issue([keyId], brief)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
      const { rows } = await place().store().read(brief, [keyId], soon());
      expect(rows.size).toBe(1);
    });
  });

  describe('revoking', () => {
    it('takes keys out of service at once, and those that do not exist yet', async () => {
      const contentId = randomUUID();
      const [gone, stays, never] = [newKeyId(), newKeyId(), newKeyId()];
      await services.issue([gone, stays], { contentId });
      const revoke = (keyIds: string[]) =>
        services.bus.ask(
          revokeKeys,
          { ...name(contentId), exchangeId: randomUUID(), requester, keyIds: keyIds.map(parseKeyId), reason: 'leaked' },
          call(),
        );
      expect(await revoke([gone, never])).toEqual({ revoked: 2 });
      expect(await revoke([gone])).toEqual({ revoked: 0 });
      await expect(services.issue([gone, stays], { contentId })).rejects.toMatchObject({ code: 'FORBIDDEN' });
      await expect(services.issue([never], { contentId })).rejects.toMatchObject({ code: 'FORBIDDEN' });
      expect(Object.keys(await services.release([gone, stays, never], { contentId }))).toEqual([stays]);
      await eventually(() => eventsOf(contentId, 'io.latchkey.key.revoked.v1').length === 1);
      expect(eventsOf(contentId, 'io.latchkey.key.revoked.v1')[0]?.data).toMatchObject({
        keyIds: [gone, never],
        wholeContent: false,
        shredded: false,
        reason: 'leaked',
      });
    });

    it('takes a whole content out of service, and not the keys that are made later', async () => {
      const contentId = randomUUID();
      const old = Array.from({ length: 5 }, newKeyId);
      await services.issue(old, { contentId });
      const request = { ...name(contentId), exchangeId: randomUUID(), requester };
      expect(await services.bus.ask(revokeKeys, request, call())).toEqual({ revoked: 5 });
      await expect(services.issue([old[0]!], { contentId })).rejects.toMatchObject({ code: 'FORBIDDEN' });
      await new Promise((resolve) => setTimeout(resolve, 5));
      const [fresh] = await services.issue([newKeyId()], { contentId });
      expect(Object.keys(await services.release([...old, fresh!.keyId], { contentId }))).toEqual([fresh!.keyId]);
    });

    it('says what shredding would stop, and then makes it unreadable for ever', async () => {
      const contentId = randomUUID();
      const keyIds = Array.from({ length: 40 }, newKeyId).sort();
      await services.issue(keyIds, { contentId });
      const shred = (preview: boolean) =>
        services.bus.ask(shredContent, { ...name(contentId), exchangeId: randomUUID(), requester, preview }, call());
      expect(await shred(true)).toEqual({ keyIds, truncated: false });
      expect(Object.keys(await services.release(keyIds, { contentId }))).toHaveLength(40);
      expect(await shred(false)).toEqual({ keyIds, truncated: false });
      expect(await shred(true)).toEqual({ keyIds: [], truncated: false });
      expect(await services.release(keyIds, { contentId })).toEqual({});
      await expect(services.issue([keyIds[0]!], { contentId })).rejects.toMatchObject({ code: 'FORBIDDEN' });
      const { rows } = await place().store().read(name(contentId), keyIds, soon());
      expect([...rows.values()].map(({ state }) => state)).toEqual(Array(40).fill('shredded'));
    });
  });

  describe('describing', () => {
    it('tells all that is known of a content, by pages, and no key', async () => {
      const contentId = randomUUID();
      const keyIds = Array.from({ length: 7 }, newKeyId).sort();
      const issued = await services.issue([], {
        contentId,
        keys: keyIds.map((keyId, index) => ({
          keyId,
          scheme: 'cenc',
          needsExplicitIv: true,
          period: { index, start: '2026-01-01T00:00:00Z', end: '2026-01-01T01:00:00Z' },
          intendedTrackType: 'HD',
        })),
      });
      const page = (cursor?: string) =>
        services.bus.ask(describeContent, { ...name(contentId), limit: 4, ...(cursor && { cursor }) }, call());
      const first = await page();
      const second = await page(first.cursor);
      expect(second.cursor).toBeUndefined();
      const all = [...first.keys, ...second.keys];
      expect(all.map(({ keyId }) => keyId)).toEqual(keyIds);
      expect(all[3]).toMatchObject({
        scheme: 'cenc',
        origin: 'random',
        explicitIv: issued[3]?.explicitIv,
        period: { index: 3, start: '2026-01-01T00:00:00Z', end: '2026-01-01T01:00:00Z' },
        intendedTrackType: 'HD',
      });
      expect(all[3]!.expiresAt! - all[3]!.createdAt).toBe(2 * 86_400_000);
      await expect(page('not a cursor')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    });
  });

  describe('importing', () => {
    const bring = async (contentId: string, keys: ContentKey[], keyIds: KeyId[], systems?: SystemId[]) => {
      const { publicKey } = await services.bus.ask(sealingKey, {}, call());
      const sealed = keys.map((key, at) => ({
        keyId: keyIds[at]!,
        box: services.pair.seal(publicKey, key, { ...name(contentId), keyId: keyIds[at]! }),
        scheme: 'cbcs' as const,
      }));
      const request = { ...name(contentId), exchangeId: randomUUID(), requester, sealedBy: services.pair.publicKey };
      return services.bus.ask(importKeys, { ...request, keys: sealed, systems }, call());
    };

    it('gives players what was brought in for a clear-key system, then or later, and nothing else', async () => {
      const contentId = randomUUID();
      const [one, two] = [newKeyId(), newKeyId()];
      const { widevine, clearKey } = SYSTEM_IDS;
      await bring(contentId, [contentKeyOf(1)], [one], [clearKey, widevine]);
      await bring(contentId, [contentKeyOf(2)], [two], [widevine]);
      await bring(contentId, [contentKeyOf(2)], [two]);
      expect(await services.release([one, two], { contentId })).toEqual({ [one]: hexOf(1) });
      expect(await bring(contentId, [contentKeyOf(2)], [two], [clearKey])).toEqual({ imported: 0, unchanged: 1 });
      expect(await services.release([two], { contentId })).toEqual({ [two]: hexOf(2) });
      await eventually(() => eventsOf(contentId, 'io.latchkey.key.imported.v1').length === 3);
      const told = eventsOf(contentId, 'io.latchkey.key.imported.v1').flatMap(({ data }) =>
        'keys' in data ? data.keys : [],
      );
      expect(told.map(({ keyId, clearDelivery }) => [keyId, clearDelivery])).toEqual([
        [one, true],
        [two, undefined],
        [two, true],
      ]);
    });

    it('takes keys in, knows them again, and refuses others under the same IDs', async () => {
      const contentId = randomUUID();
      const keyIds = [newKeyId(), newKeyId(), newKeyId()];
      const keys = [contentKeyOf(1), contentKeyOf(2), contentKeyOf(3)];
      expect(await bring(contentId, keys.slice(0, 2), keyIds)).toEqual({ imported: 2, unchanged: 0 });
      expect(await bring(contentId, keys, keyIds)).toEqual({ imported: 1, unchanged: 2 });
      const issued = await services.issue(keyIds, { contentId });
      expect(issued.map(({ key, created }) => [key, created])).toEqual([1, 2, 3].map((n) => [hexOf(n), false]));

      const fresh = newKeyId();
      const conflict = bring(contentId, [contentKeyOf(4), contentKeyOf(5)], [fresh, keyIds[0]!]);
      await expect(conflict).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await services.release([fresh], { contentId })).toEqual({});
      await eventually(() => eventsOf(contentId, 'io.latchkey.key.imported.v1').length === 2);
      await eventually(() => eventsOf(contentId, 'io.latchkey.key.refused.v1').length === 1);
    });

    it('opens no box that was sealed for another key, or for somebody else', async () => {
      const contentId = randomUUID();
      const [one, two] = [newKeyId(), newKeyId()];
      const { publicKey } = await services.bus.ask(sealingKey, {}, call());
      const box = services.pair.seal(publicKey, contentKeyOf(1), { ...name(contentId), keyId: one });
      const request = { ...name(contentId), exchangeId: randomUUID(), requester, sealedBy: services.pair.publicKey };
      const moved = services.bus.ask(importKeys, { ...request, keys: [{ keyId: two, box }] }, call());
      await expect(moved).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    });
  });

  describe('overriding key IDs', () => {
    it('answers one key ID for a track and period, whatever the encryptor calls it', async () => {
      const contentId = randomUUID();
      const ask = (index: number, intendedTrackType: string) =>
        services
          .issue([], {
            tenant: 'deterministic',
            contentId,
            keys: [{ keyId: newKeyId(), needsExplicitIv: true, period: { index }, intendedTrackType }],
          })
          .then(([key]) => key!);
      const [first, again, audio, later] = [
        await ask(1, 'HD'),
        await ask(1, 'HD'),
        await ask(1, 'AUDIO'),
        await ask(2, 'HD'),
      ];
      expect(again).toMatchObject({ keyId: first.keyId, key: first.key, created: false });
      expect(first.requestedKeyId).not.toBe(first.keyId);
      expect(first.keyId[14]).toBe('5');
      expect(new Set([first, audio, later].map(({ keyId }) => keyId)).size).toBe(3);
      const described = await services.bus.ask(describeContent, name(contentId, 'deterministic'), call());
      expect(described.keys.find(({ keyId }) => keyId === first.keyId)?.requestedKeyId).toBe(first.requestedKeyId);
      await eventually(() => eventsOf(contentId, 'io.latchkey.key.reissued.v1').length > 0);
      const [event] = eventsOf(contentId, 'io.latchkey.key.reissued.v1');
      expect(event?.data).toMatchObject({ keys: [{ keyId: first.keyId, requestedKeyId: again.requestedKeyId }] });
    });

    it('answers the configured key for its track type', async () => {
      const ask = (intendedTrackType: string) =>
        services.issue([], {
          tenant: 'fixed',
          keys: [{ keyId: newKeyId(), needsExplicitIv: false, intendedTrackType }],
        });
      const hd = { keyId: '30313233-3435-3637-3839-303132333435', key: '000102030405060708090a0b0c0d0e0f' };
      const any = { keyId: '41424344-4546-4748-494a-4b4c4d4e4f50', key: '101112131415161718191a1b1c1d1e1f' };
      expect(await ask('HD')).toMatchObject([hd]);
      expect(await ask('HD')).toMatchObject([{ ...hd, created: false }]);
      expect(await ask('AUDIO')).toMatchObject([any]);
    });
  });

  describe('deriving keys', () => {
    it('asks for a root secret where there is none', async () => {
      await expect(services.issue([newKeyId()], { tenant: 'derived' })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    });
  });

  describe('keys of the PlayReady test server', () => {
    const tenant = 'playready-test';
    const systems = [SYSTEM_IDS.playready, SYSTEM_IDS.clearKey];

    // As in libs/cenc/test/playready-test-key.test.ts.
    it.each([
      ['10000000-1000-1000-1000-100000000001', '3a2a1b68dd2bd9b2eeb25e84c4776668', '5TzIYQ2hrOY='],
      ['6f651ae1-dbe4-4434-bcb4-690d1564c41c', '88da852ae4fa2e1e36aeb2d5c94997b1', undefined],
    ])('are those that the published seed gives for %s, once and again', async (kid, key, checksum) => {
      const content = { tenant, contentId: randomUUID(), systems };
      const keyId = parseKeyId(kid);
      for (const created of [true, false]) {
        const [issued] = await services.issue([keyId], content);
        expect(issued).toMatchObject({ key, created, ...(checksum && { checksum }) });
        expect(issued?.explicitIv).not.toBe(Buffer.from(key, 'hex').toString('base64'));
      }
      const { keys } = await services.bus.ask(describeContent, name(content.contentId, tenant), call());
      expect(keys.map(({ origin }) => origin)).toEqual(['playready-test-seed']);
    });

    it('are given to nobody any more once the tenant has gone over to real ones', async () => {
      const content = { tenant, contentId: randomUUID(), systems };
      const [old, fresh] = [newKeyId(), newKeyId()];
      await services.issue([old], content);
      expect(Object.keys(await services.release([old], content))).toEqual([old]);
      services.configure((tenants) => tenants.replace('source: playready-test-seed', 'source: random'));
      await services.restart();
      await expect(services.issue([old, fresh], content)).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringMatching(/public PlayReady test seed.*another content ID or key ID/),
      });
      expect(await services.release([old], content)).toEqual({});
      await services.issue([fresh], content);
      expect(Object.keys(await services.release([old, fresh], content))).toEqual([fresh]);
      services.configure((tenants) => tenants);
      await services.stop();
      await services.start(processes);
      expect(Object.keys(await services.release([old], content))).toEqual([old]);
    });

    it('are warned about', async () => {
      const warned = () =>
        services.events.some(
          ({ type, data }) =>
            type === 'io.latchkey.configuration.loaded.v1' &&
            'warnings' in data &&
            data.warnings.some((warning) => /tenant playready-test has keys that anybody can make/.test(warning)),
        );
      await eventually(warned);
    });
  });

  describe('documents', () => {
    it('keeps one document for a content and tells versions apart', async () => {
      const content = name(randomUUID());
      const put = (document: string, ifMatch?: string | null) =>
        services.bus.ask(
          putDocument,
          { ...content, spekeVersion: '2.0', document, ...(ifMatch !== undefined && { ifMatch }) },
          call(),
        );
      const get = () => services.bus.ask(getDocument, content, call()).then(({ stored }) => stored);
      const remove = (ifMatch?: string) =>
        services.bus.ask(deleteDocument, { ...content, ...(ifMatch && { ifMatch }) }, call());
      expect(await get()).toBeNull();
      await expect(put('<a/>', '*')).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
      const { etag, created } = await put('<a/>', null);
      expect(created).toBe(true);
      await expect(put('<b/>', null)).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(put('<b/>', 'else')).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
      const second = await put('<é/>', etag);
      expect(second).toEqual({ etag: expect.not.stringMatching(etag), created: false });
      expect(await get()).toEqual({ spekeVersion: '2.0', document: '<é/>', etag: second.etag });
      await expect(remove(etag)).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
      expect(await remove()).toEqual({ deleted: true });
      expect(await remove()).toEqual({ deleted: false });
    });

    it('refuses one that is too long for its row', async () => {
      const document = 'é'.repeat(200_000);
      const put = services.bus.ask(putDocument, { ...name('long'), spekeVersion: '2.0', document }, call());
      await expect(put).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    });
  });

  describe('audit', () => {
    it('has one durable record of each act before the answer leaves, and one event', async () => {
      // promises 19, 21
      const contentId = randomUUID();
      const keyIds = [newKeyId(), newKeyId()];
      const before = await everyRecord(place());
      await services.issue(keyIds.slice(0, 1), { contentId });
      await services.issue(keyIds, { contentId });
      await services.release(keyIds, { contentId });
      await services.bus.ask(
        recordRefusal,
        { tenant: 'default', contentId, keyIds, exchangeId: randomUUID(), requester, code: 'MISSING_SCHEME' },
        call(),
      );
      const records = (await everyRecord(place())).filter(({ body }) => body.includes(contentId));
      const types = records.map(({ body }) => (JSON.parse(body) as LatchkeyEvent).type.split('.')[3]).sort();
      expect(types).toEqual(['issued', 'issued', 'refused', 'reissued', 'released']);
      expect(new Set(records.map(({ body }) => (JSON.parse(body) as LatchkeyEvent).id)).size).toBe(5);
      expect(before.length).toBeLessThan((await everyRecord(place())).length);

      const published = () => services.events.filter((event) => JSON.stringify(event).includes(contentId));
      await eventually(() => published().length === 5);
      expect(
        published()
          .map(({ id }) => id)
          .sort(),
      ).toEqual(records.map(({ body }) => (JSON.parse(body) as LatchkeyEvent).id).sort());
      for (const event of published()) expect(records.map(({ body }) => body)).toContain(JSON.stringify(event));
    });

    it('records what it refuses itself', async () => {
      // promise 19
      const contentId = randomUUID();
      const keyId = newKeyId();
      await services.issue([keyId], { contentId });
      const request = { ...name(contentId), exchangeId: randomUUID(), requester, keyIds: [keyId] };
      await services.bus.ask(revokeKeys, request, call());
      await expect(services.issue([keyId], { contentId })).rejects.toThrow();
      await eventually(() => eventsOf(contentId, 'io.latchkey.key.refused.v1').length === 1);
      expect(eventsOf(contentId, 'io.latchkey.key.refused.v1')[0]?.data).toMatchObject({
        code: 'FORBIDDEN',
        keyIds: [keyId],
      });
    });
  });
}

async function everyRecord(place: Place): Promise<AuditRecord[]> {
  const store = place.store();
  const writers = await store.writers('all');
  return (await Promise.all(writers.map(({ writer }) => store.recordsAfter(writer, 0, 100_000)))).flat();
}

function hexOf(n: number): string {
  return Buffer.alloc(16, n).toString('hex');
}

/** CPIX, "Key Encryption and Authentication", by hand. */
function decrypted(
  { privateKey }: TestCertificate,
  recipient: { documentKey: string; macKey: string } | undefined,
  secret: { kind: string; cipherValue?: string; valueMac?: string },
): string {
  const rsa = (text: string) =>
    privateDecrypt(
      { key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
      Buffer.from(text, 'base64'),
    );
  const value = Buffer.from(secret.cipherValue ?? '', 'base64');
  const mac = createHmac('sha512', rsa(recipient?.macKey ?? ''))
    .update(value)
    .digest('base64');
  expect(mac).toBe(secret.valueMac);
  const decipher = createDecipheriv('aes-256-cbc', rsa(recipient?.documentKey ?? ''), value.subarray(0, 16));
  return Buffer.concat([decipher.update(value.subarray(16)), decipher.final()]).toString('hex');
}
