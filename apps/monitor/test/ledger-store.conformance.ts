import { Ledger } from '../src/ledger/ledger';
import type { LedgerStore } from '../src/ledger/ledger-store';
import { verifyLedger } from '../src/ledger/verify-ledger';
import { completed, issued, newKeyId } from './sample-events';

export interface StoreAtTest {
  open(): Promise<LedgerStore>;
  /** Puts another body into a record, behind the ledger's back. */
  edit(chain: string, index: number, body: string): Promise<void>;
  remove(chain: string, index: number): Promise<void>;
}

/** What every ledger store does: LMDB and DynamoDB alike. */
export function describeLedgerStore(name: string, newStore: () => Promise<StoreAtTest>): void {
  describe(name, () => {
    let store: StoreAtTest;
    const opened: LedgerStore[] = [];
    const openLedger = async (now?: () => Date) => {
      const one = await store.open();
      opened.push(one);
      return new Ledger(one, now, 1);
    };
    beforeEach(async () => {
      store = await newStore();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((one) => one.close()));
    });

    // promise 21
    it('has the same records after the whole stream came twice, and after a restart', async () => {
      const events = Array.from({ length: 100 }, (_, n) => (n % 2 ? issued() : completed()));
      const first = await openLedger();
      await Promise.all(events.map((event) => first.append(event)));
      const before = await allOf(first.store, 'default');
      expect(before).toHaveLength(100);

      const again = await Promise.all(events.map((event) => first.append(event)));
      const second = await openLedger();
      const third = await Promise.all(events.map((event) => second.append(event)));

      expect(new Set([...again, ...third])).toEqual(new Set(['known']));
      expect(await allOf(second.store, 'default')).toEqual(before);
    });

    it('writes an event once when two writers are given it at once', async () => {
      const [one, two] = [await openLedger(), await openLedger()];
      const events = Array.from({ length: 60 }, () => issued());
      const outcomes = await Promise.all(events.flatMap((event) => [one.append(event), two.append(event)]));

      expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(60);
      const { broken, chains } = await verifyLedger(one.store);
      expect(broken).toEqual([]);
      expect(chains).toEqual([expect.objectContaining({ chain: 'default', records: 60 })]);
    });

    it('keeps an event as the text that it came as, and one that came as none as its JSON', async () => {
      const ledger = await openLedger(() => new Date(0));
      const [written, unwritten] = [issued(), issued()];
      const text = JSON.stringify({ ...written, ofANewerVersion: true }, null, 1);
      await ledger.append(written, text);
      await ledger.append(unwritten);

      const recordedAt = '1970-01-01T00:00:00.000Z';
      expect((await allOf(ledger.store, 'default')).map(({ body }) => body)).toEqual([
        `{"recordedAt":"${recordedAt}","event":${text}}`,
        JSON.stringify({ recordedAt, event: unwritten }),
      ]);
      expect((await ledger.byId(written.id))?.data).toEqual(written.data);
      expect((await verifyLedger(ledger.store)).broken).toEqual([]);
    });

    it('keeps each tenant a chain of its own', async () => {
      const ledger = await openLedger();
      await Promise.all([ledger.append(issued({ tenant: 'a' })), ledger.append(issued({ tenant: 'b' }))]);
      expect([...(await ledger.store.chains()).keys()].sort()).toEqual(['a', 'b']);
      expect((await ledger.query({ tenants: ['a'], limit: 10 })).records).toHaveLength(1);
    });

    it('finds by key ID, by content, by exchange, by event id and by time, the most recent first', async () => {
      const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
      let clock = at(0);
      const ledger = await openLedger(() => clock);
      const keyId = newKeyId();
      const first = issued({ contentId: 'film', keyIds: [keyId, newKeyId()], time: at(1) });
      const second = completed({ contentId: 'film', keyIds: [keyId], time: at(2), exchangeId: first.data.exchangeId });
      const third = issued({ contentId: 'film', time: at(3) });
      const fourth = issued({ contentId: 'film#2', time: at(4) });
      for (const [n, event] of [first, second, third, fourth].entries()) {
        clock = at(n + 1);
        await ledger.append(event);
      }

      const ids = async (query: object) =>
        (await ledger.query({ limit: 10, ...query })).records.map(({ entry }) => entry.event.id);
      expect(await ids({ keyId })).toEqual([first.id]);
      expect(await ids({ contentId: 'film' })).toEqual([third.id, second.id, first.id]);
      expect(await ids({ contentId: 'film', from: at(2).toISOString(), to: at(2).toISOString() })).toEqual([second.id]);
      expect(await ids({ exchangeId: first.data.exchangeId })).toEqual([first.id]);
      expect((await ledger.byId(second.id))?.id).toBe(second.id);
      expect(await ledger.byId(second.id, ['other'])).toBeUndefined();
      expect(await ids({})).toEqual([fourth.id, third.id, second.id, first.id]);
      expect(await ids({ from: at(3).toISOString() })).toEqual([fourth.id, third.id]);
      expect(await ids({ to: at(2).toISOString() })).toEqual([second.id, first.id]);
      expect(await ids({ from: at(2).toISOString(), to: at(3).toISOString() })).toEqual([third.id, second.id]);
      expect(await ids({ to: at(0).toISOString() })).toEqual([]);
      expect(await ids({ keyId: newKeyId() })).toEqual([]);
    });

    it('gives every record once over the pages, those of one instant and of several tenants too', async () => {
      const ledger = await openLedger();
      const time = new Date();
      const events = Array.from({ length: 25 }, (_, n) => issued({ time, tenant: n % 3 ? 'a' : 'b' }));
      await Promise.all(events.map((event) => ledger.append(event)));

      for (const query of [{}, { contentId: 'channel-1' }]) {
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await ledger.query({ limit: 10, cursor, ...query });
          seen.push(...page.records.map(({ entry }) => entry.event.id));
          cursor = page.cursor;
        } while (cursor);
        expect(seen).toHaveLength(25);
        expect(new Set(seen)).toEqual(new Set(events.map(({ id }) => id)));
      }
    });

    it('finds a record under each of 128 key IDs', async () => {
      const ledger = await openLedger();
      const keyIds = Array.from({ length: 128 }, newKeyId);
      await ledger.append(issued({ keyIds }));
      for (const keyId of [keyIds[0], keyIds[127]]) {
        expect((await ledger.query({ keyId, limit: 2 })).records).toHaveLength(1);
      }
    });

    it('finds its way by time also where records are missing', async () => {
      let clock = new Date(0);
      const ledger = await openLedger(() => clock);
      for (let n = 1; n <= 12; n++) {
        clock = new Date(n * 1_000);
        await ledger.append(issued());
      }
      for (const index of [4, 5, 6, 9]) await store.remove('default', index);
      const to = new Date(7_000).toISOString();
      const found = await ledger.query({ to, limit: 10 });
      expect(found.records.map(({ index }) => index)).toEqual([7, 3, 2, 1]);
    });

    // promise 22
    it('names a record that was edited', async () => {
      const ledger = await tenRecords(openLedger);
      const fourth = (await allOf(ledger.store, 'default'))[3];
      await store.edit('default', 4, fourth?.body.replace('packager-1', 'packager-2') ?? '');
      expect((await verifyLedger(ledger.store)).broken).toEqual([{ chain: 'default', index: 4, why: 'altered' }]);
    });

    // promise 22
    it.each([1, 5, 10])('names record %d of ten when it was deleted', async (index) => {
      const ledger = await tenRecords(openLedger);
      await store.remove('default', index);
      const { broken, gaps } = await verifyLedger(ledger.store);
      expect(broken).toEqual([{ chain: 'default', index, why: 'missing' }]);
      // The writer's own count says it too, but for the first and the last.
      expect(gaps.filter(({ why }) => why === 'missing')).toHaveLength(index === 5 ? 1 : 0);
    });

    it('names the end that was cut off, if the head was noted down outside', async () => {
      const ledger = await tenRecords(openLedger);
      const anchor = await ledger.store.head('default');
      const other = new Ledger(await (await newStore()).open(), undefined, 1);
      for (const { body } of (await allOf(ledger.store, 'default')).slice(0, 9)) {
        await other.append(JSON.parse(body).event);
      }
      const { broken } = await verifyLedger(other.store, { anchors: new Map([['default', anchor]]) });
      expect(broken).toEqual([{ chain: 'default', index: 10, why: 'missing' }]);
      await other.store.close();
    });

    it('names the sequence numbers of a writer that never came', async () => {
      const ledger = await openLedger();
      for (const sequence of [7, 8, 11, 12, 14]) await ledger.append(issued({ writer: 'w', sequence }));
      const { gaps } = await verifyLedger(ledger.store);
      expect(gaps).toEqual([
        { writer: 'w', from: 9, to: 10, why: 'missing' },
        { writer: 'w', from: 13, to: 13, why: 'missing' },
      ]);
      const counts = await ledger.store.writerCounts('default', ['w']);
      expect(counts.get('w')).toEqual({ writer: 'w', chain: 'default', first: 7, last: 14, count: 5 });
    });
  });
}

async function tenRecords(open: () => Promise<Ledger>): Promise<Ledger> {
  const ledger = await open();
  for (let n = 1; n <= 10; n++) await ledger.append(issued({ writer: 'w', sequence: n }));
  return ledger;
}

async function allOf(store: LedgerStore, chain: string) {
  const records = [];
  for await (const record of store.walk(chain)) records.push(record);
  return records;
}
