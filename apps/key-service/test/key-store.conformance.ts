import { createHash } from 'node:crypto';
import type { KeyId } from '@latchkey/cenc';
import type { AuditRecord } from '../src/audit/audit-log';
import type { KeyPage, KeyStore } from '../src/store/key-store';
import { NOTHING_REVOKED, type KeyRow } from '../src/store/stored-key';
import { newKeyId, soon, storedKey, storedPermit } from './stores';

/** A store that can be opened again on the same data. */
export interface StoreUnderTest {
  open(): Promise<KeyStore>;
}

const movie = { tenant: 'default', contentId: 'movie-1' };

/** What every KeyStore does: run on each, on real parts. */
export function describeKeyStore(place: () => StoreUnderTest): void {
  let store: KeyStore;
  beforeAll(async () => void (store = await place().open()));
  afterAll(() => store.close());

  const record = (sequence: number, writer = 'writer-1'): AuditRecord => ({
    writer,
    sequence,
    body: JSON.stringify({ sequence }),
    mac: createHash('sha256').update(`${sequence}`).digest(),
  });
  const read = (contentId: string, ...keyIds: KeyId[]) => store.read({ ...movie, contentId }, keyIds, soon());

  describe('keys', () => {
    it('gives back what it was given, and nothing of what it was not', async () => {
      const [known, unknown] = [storedKey('movie-1'), newKeyId()];
      expect(await store.create({ keys: [known] }, [], soon())).toBe(true);
      const { rows, revocations } = await read('movie-1', known.keyId, unknown);
      expect([...rows.values()]).toEqual([known]);
      expect(revocations).toEqual(NOTHING_REVOKED);
    });

    it('has them again after it was opened again', async () => {
      const key = storedKey('restart', newKeyId(), { expiresAt: Date.now() + 60_000 });
      await store.create({ keys: [key] }, [record(1, 'restart')], soon());
      await store.close();
      store = await place().open();
      expect((await read('restart', key.keyId)).rows.get(key.keyId)).toEqual(key);
      expect(await store.recordsAfter('restart', 0, 10)).toEqual([record(1, 'restart')]);
    });

    it('writes all keys of a request, 64 of them, or none', async () => {
      const keys = Array.from({ length: 64 }, () => storedKey('many'));
      expect(await store.create({ keys }, [record(1, 'many')], soon())).toBe(true);
      expect((await read('many', ...keys.map(({ keyId }) => keyId))).rows.size).toBe(64);

      // promise 4
      const others = [...Array.from({ length: 8 }, () => storedKey('many')), storedKey('many', keys[5]?.keyId)];
      expect(await store.create({ keys: others }, [record(2, 'many')], soon())).toBe(false);
      const fresh = others.slice(0, 8).map(({ keyId }) => keyId);
      expect((await read('many', ...fresh)).rows.size).toBe(0);
      expect(await store.recordsAfter('many', 0, 10)).toEqual([record(1, 'many')]);
    });

    it('keeps one key of 200 that are made at once', async () => {
      // promise 2
      const keyId = newKeyId();
      const candidates = Array.from({ length: 200 }, (_, n) => ({
        ...storedKey('race', keyId),
        wrapped: { encryptedDataKey: Buffer.from('data key'), box: Buffer.from(`box ${n}`) },
      }));
      const created = await Promise.all(candidates.map((key, n) => createInTheEnd(key, record(n + 1, 'race'))));
      expect(created.filter(Boolean)).toHaveLength(1);
      const winner = candidates[created.indexOf(true)];
      expect((await read('race', keyId)).rows.get(keyId)).toEqual(winner);
      expect(await store.recordsAfter('race', 0, 300)).toHaveLength(1);
    });

    /** As the issuer does: who lost, or was in somebody's way, looks whether there is one now. */
    async function createInTheEnd(key: ReturnType<typeof storedKey>, entry: AuditRecord): Promise<boolean> {
      for (;;) {
        if (await store.create({ keys: [key] }, [entry], soon())) return true;
        if ((await read('race', key.keyId)).rows.size > 0) return false;
      }
    }

    it.each([
      ['a#b', 'c', 'a', 'b#c'],
      ['x', '1#x', 'x#1', 'x'],
      ['\u0000', 'a', 'a', '\u0000'],
      ['é', 'e\u0301', 'e\u0301', 'é'],
      ['movie', 'movie/../movie', 'movie/../movie', 'movie'],
    ])('keeps %j and %j apart from %j and %j', async (first, second, third, fourth) => {
      // promise 33
      const contents = [...new Set([`${first}#${second}`, `${third}#${fourth}`, first, second, third, fourth])];
      const keyId = newKeyId();
      const mark = (contentId: string) => Buffer.from(`of ${contentId}`);
      for (const contentId of contents) {
        const key = storedKey(contentId, keyId);
        await store.create({ keys: [{ ...key, wrapped: { ...key.wrapped, box: mark(contentId) } }] }, [], soon());
      }
      for (const contentId of contents) {
        const row = (await read(contentId, keyId)).rows.get(keyId);
        expect(row?.state === 'kept' && row.wrapped.box).toEqual(mark(contentId));
        const page = await store.page({ ...movie, contentId }, 100, undefined, soon());
        expect(page.rows.filter((each) => each.keyId === keyId)).toHaveLength(1);
      }
    });

    it('keeps tenants apart', async () => {
      // promise 39
      const ours = storedKey('shared');
      const theirs = { ...ours, tenant: 'other', wrapped: { ...ours.wrapped, box: Buffer.from('theirs') } };
      await store.create({ keys: [ours] }, [], soon());
      expect((await store.read(theirs, [ours.keyId], soon())).rows.size).toBe(0);
      await store.create({ keys: [theirs] }, [], soon());
      expect((await store.read(theirs, [ours.keyId], soon())).rows.get(ours.keyId)).toEqual(theirs);
      expect((await read('shared', ours.keyId)).rows.get(ours.keyId)).toEqual(ours);
      expect(await inTheEnd(() => store.find('other', ours.keyId, soon()))).toEqual(['shared']);
    });

    it('takes a content ID of 1,024 bytes', async () => {
      const key = storedKey('é'.repeat(512));
      await store.create({ keys: [key] }, [], soon());
      expect((await read(key.contentId, key.keyId)).rows.get(key.keyId)).toEqual(key);
    });

    it('pages through 10,000 keys of one content, in order', async () => {
      const keys = Array.from({ length: 10_000 }, () => storedKey('large'));
      // As many as a transaction of DynamoDB takes.
      for (let at = 0; at < keys.length; at += 400) {
        const chunks = [0, 100, 200, 300].map((from) => keys.slice(at + from, at + from + 100));
        await Promise.all(chunks.map((chunk) => store.create({ keys: chunk }, [], soon())));
      }
      const seen: string[] = [];
      let page: KeyPage | undefined;
      do {
        page = await store.page({ ...movie, contentId: 'large' }, 1_000, page?.next, soon());
        expect(page.rows.length).toBeLessThanOrEqual(1_000);
        seen.push(...page.rows.map(({ keyId }) => keyId));
      } while (page.next);
      expect(seen).toEqual(keys.map(({ keyId }) => keyId).sort());
    });

    it('finds the contents that have a key ID', async () => {
      const keyId = newKeyId();
      await store.create({ keys: [storedKey('found-1', keyId)] }, [], soon());
      await store.create({ keys: [storedKey('found-2', keyId)] }, [], soon());
      const found = await inTheEnd(() => store.find('default', keyId, soon()), 2);
      expect([...found].sort()).toEqual(['found-1', 'found-2']);
    });

    it('shreds: the key is gone, the facts stay, and again does no harm', async () => {
      const keys = Array.from({ length: 60 }, () => storedKey('shredded'));
      await store.create({ keys }, [], soon());
      await store.shred(keys, 5_000, soon());
      await store.shred(keys, 5_000, soon());
      const { rows } = await read('shredded', ...keys.map(({ keyId }) => keyId));
      const [first] = keys;
      expect(rows.size).toBe(60);
      expect(rows.get(first!.keyId)).toEqual({
        state: 'shredded',
        tenant: 'default',
        contentId: 'shredded',
        keyId: first!.keyId,
        facts: first!.facts,
        shreddedAt: 5_000,
      } satisfies KeyRow);
      expect(await store.create({ keys: [storedKey('shredded', first!.keyId)] }, [], soon())).toBe(false);
    });
  });

  describe('permits', () => {
    const permitsOf = async (contentId: string, ...keyIds: KeyId[]) =>
      (await store.read({ ...movie, contentId }, keyIds, soon(), keyIds)).permits;

    it('gives back what it was given, to those who ask for permits', async () => {
      const [key, other] = [storedKey('permitted'), storedKey('permitted')];
      await store.create({ keys: [key, other] }, [], soon());
      const permit = storedPermit(key);
      expect(await store.create({ keys: [], permits: [permit] }, [record(1, 'permit')], soon())).toBe(true);
      expect(await store.recordsAfter('permit', 0, 10)).toEqual([record(1, 'permit')]);
      const { rows, permits } = await store.read(key, [key.keyId, other.keyId], soon(), [key.keyId, other.keyId]);
      expect([...permits]).toEqual([[key.keyId, { wrapped: permit.wrapped }]]);
      expect(rows.get(key.keyId)).toEqual(key);
      expect((await read('permitted', key.keyId)).permits.size).toBe(0);
      expect((await permitsOf('another', key.keyId)).size).toBe(0);
      expect((await store.page(key, 10, undefined, soon())).rows).toHaveLength(2);
    });

    it('writes a permit with its record, or neither: whoever comes second is told so', async () => {
      const key = storedKey('permitted twice');
      await store.create({ keys: [key] }, [], soon());
      await store.create({ keys: [], permits: [storedPermit(key, 1_000)] }, [], soon());
      const second = { keys: [storedKey('permitted twice')], permits: [storedPermit(key, 2_000)] };
      expect(await store.create(second, [record(1, 'permit-2')], soon())).toBe(false);
      expect((await read('permitted twice', second.keys[0]!.keyId)).rows.size).toBe(0);
      expect(await store.recordsAfter('permit-2', 0, 10)).toEqual([]);
      const left = (await permitsOf('permitted twice', key.keyId)).get(key.keyId);
      expect(left?.wrapped?.box.toString()).toBe('permit at 1000');
    });

    it('takes a permit over one that has expired, and not before', async () => {
      const key = storedKey('permitted anew');
      const expiresAt = 10_000;
      const put = (permittedAt: number, until?: number) =>
        store.create({ keys: [], permits: [storedPermit(key, permittedAt, until)] }, [], soon());
      expect(await put(1_000, expiresAt)).toBe(true);
      expect((await permitsOf('permitted anew', key.keyId)).get(key.keyId)?.expiresAt).toBe(expiresAt);
      expect(await put(expiresAt - 1)).toBe(false);
      expect(await put(expiresAt)).toBe(true);
      expect((await permitsOf('permitted anew', key.keyId)).get(key.keyId)?.expiresAt).toBeUndefined();
    });

    it('reads and writes 64 keys with their permits', async () => {
      const keys = Array.from({ length: 64 }, () => storedKey('permitted many'));
      const permits = keys.map((key) => storedPermit(key));
      await store.create({ keys }, [], soon());
      expect(await store.create({ keys: [], permits }, [], soon())).toBe(true);
      const keyIds = keys.map(({ keyId }) => keyId);
      const found = await store.read(keys[0]!, keyIds, soon(), keyIds);
      expect([found.rows.size, found.permits.size]).toEqual([64, 64]);
    });
  });

  describe('what is revoked', () => {
    it('is seen by every read, and written only over what was read', async () => {
      const content = { ...movie, contentId: 'revoked' };
      const keyId = newKeyId();
      const first = { version: 1, keys: { [keyId]: 7 } };
      expect(await store.revoke(content, first, [record(1, 'revoke')], soon())).toBe(true);
      expect(await store.revoke(content, first, [record(2, 'revoke')], soon())).toBe(false);
      expect((await read('revoked', keyId)).revocations).toEqual(first);
      const second = { version: 2, allUntil: 9, keys: first.keys };
      expect(await store.revoke(content, second, [], soon())).toBe(true);
      expect((await store.page(content, 10, undefined, soon())).revocations).toEqual(second);
      expect(await store.recordsAfter('revoke', 0, 10)).toEqual([record(1, 'revoke')]);
    });
  });

  describe('documents and secrets', () => {
    it('replaces a document only where the expected one is', async () => {
      const document = { spekeVersion: '2.0', document: '<CPIX/>', etag: 'a' };
      expect(await store.putDocument(movie, document, 'z', soon())).toBe(false);
      expect(await store.putDocument(movie, document, null, soon())).toBe(true);
      expect(await store.putDocument(movie, { ...document, etag: 'b' }, null, soon())).toBe(false);
      expect(await store.putDocument(movie, { ...document, etag: 'b' }, 'a', soon())).toBe(true);
      expect(await store.getDocument(movie, soon())).toEqual({ ...document, etag: 'b' });
      expect(await store.deleteDocument(movie, 'a', soon())).toBe(false);
      expect(await store.deleteDocument(movie, 'b', soon())).toBe(true);
      expect(await store.getDocument(movie, soon())).toBeUndefined();
    });

    it('keeps the first secret of a name', async () => {
      const secret = { encryptedDataKey: Buffer.from('k'), box: Buffer.from('b') };
      expect(await store.getSecret('default', 'root', soon())).toBeUndefined();
      expect(await store.createSecret('default', 'root', secret, soon())).toBe(true);
      expect(await store.createSecret('default', 'root', { ...secret, box: Buffer.from('c') }, soon())).toBe(false);
      expect(await store.getSecret('default', 'root', soon())).toEqual(secret);
    });

    it('exchanges the data key of a row, and of no other form of it', async () => {
      const key = storedKey('rewrap');
      await store.create({ keys: [key] }, [], soon());
      let exchanged = 0;
      for await (const row of store.wrappedRows()) {
        if (row.purpose !== 'content-key' || !row.encryptedDataKey.equals(Buffer.from('data key'))) continue;
        expect(row.tenant).toMatch(/^(default|other)$/);
        if (await store.replaceDataKey(row, Buffer.from('new'))) exchanged++;
        expect(await store.replaceDataKey(row, Buffer.from('newer'))).toBe(false);
        if (exchanged === 20) break;
      }
      expect(exchanged).toBe(20);
    });
  });

  it('exchanges the data key of a permit, and nothing else of it', async () => {
    const key = storedKey('rewrap permit');
    const permit = storedPermit(key, 1_000, Date.now() + 60_000);
    const ours = { ...permit, wrapped: { ...permit.wrapped, encryptedDataKey: Buffer.from('of a permit') } };
    await store.create({ keys: [key], permits: [ours] }, [], soon());
    for await (const row of store.wrappedRows()) {
      if (!row.encryptedDataKey.equals(ours.wrapped.encryptedDataKey)) continue;
      expect([row.tenant, row.purpose]).toEqual(['default', 'content-key']);
      expect(await store.replaceDataKey(row, Buffer.from('another'))).toBe(true);
    }
    const { permits } = await store.read(key, [], soon(), [key.keyId]);
    const { expiresAt, wrapped } = permits.get(key.keyId)!;
    expect(wrapped).toEqual({ ...ours.wrapped, encryptedDataKey: Buffer.from('another') });
    expect(Math.abs(expiresAt! - ours.expiresAt!)).toBeLessThan(1_000);
  });

  describe('audit', () => {
    it('gives back the records of a writer in order, whoever wrote them together', async () => {
      const records = Array.from({ length: 120 }, (_, n) => record(n + 1, 'ordered'));
      await Promise.all(records.map((each) => store.append([each], soon())));
      expect(await store.recordsAfter('ordered', 0, 1_000)).toEqual(records);
      expect(await store.recordsAfter('ordered', 100, 10)).toEqual(records.slice(100, 110));
    });

    it('fills a gap only where there is one', async () => {
      await store.append([record(1, 'gaps')], soon());
      const stand = (sequence: number) => ({ ...record(sequence, 'gaps'), body: 'void' });
      expect(await store.fillGap(stand(1))).toEqual(record(1, 'gaps'));
      expect(await store.fillGap(stand(2))).toEqual(stand(2));
      expect(await store.recordsAfter('gaps', 0, 10)).toEqual([record(1, 'gaps'), stand(2)]);
    });

    it('knows how far writers have come and which have ended', async () => {
      const writer = { writer: 'w-1', encryptedDataKey: Buffer.from('key'), published: 0, seenAt: 1 };
      await store.openWriter(writer, soon());
      await store.markPublished('w-1', 7, 2);
      await store.markPublished('nobody', 7, 2);
      expect(await store.writers('open')).toEqual([{ ...writer, published: 7, seenAt: 2 }]);
      await store.closeWriter('w-1', 9);
      expect(await store.writers('open')).toEqual([]);
      expect(await store.writers('all')).toEqual([{ ...writer, published: 9, seenAt: 2, last: 9 }]);
      // It was only slow.
      await store.markPublished('w-1', 12, 3);
      await store.markPublished('w-1', 12, 3);
      expect(await store.writers('open')).toEqual([{ ...writer, published: 12, seenAt: 3 }]);
    });
  });

  it('says that it answers', async () => {
    expect(await store.check()).toBe(true);
  });
}

/** An index may lag. */
async function inTheEnd(find: () => Promise<readonly string[]>, wanted = 1): Promise<readonly string[]> {
  for (let tries = 0; ; tries++) {
    const found = await find();
    if (found.length >= wanted || tries > 50) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
