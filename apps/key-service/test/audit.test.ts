import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Deadline } from '@latchkey/bus';
import { keyReleased, type EventContract, type LatchkeyEvent } from '@latchkey/messages';
import { eventually, temporaryDirectory } from '@latchkey/testing';
import { open } from 'lmdb';
import type { AuditRecord } from '../src/audit/audit-log';
import { AuditRelay, type AuditRelayOptions } from '../src/audit/audit-relay';
import { AUDIT_CONTEXT, AuditTrail, macKeyOf } from '../src/audit/audit-trail';
import { AuditWriter } from '../src/audit/audit-writer';
import { republishAudit } from '../src/audit/republish-audit';
import { verifyAudit } from '../src/audit/verify-audit';
import type { KeyStore } from '../src/store/key-store';
import { KeyWrapper } from '../src/wrapping/key-wrapper';
import { openLocalMasterKey } from '../src/wrapping/local-master-key';
import { embeddedStore, newKeyId, quiet, soon } from './stores';

describe('audit', () => {
  const directory = temporaryDirectory();
  const masterKey = openLocalMasterKey(join(directory, 'master.key'), true);
  let path: string;
  let store: KeyStore;
  beforeEach(() => {
    path = join(directory, randomUUID());
    store = embeddedStore(path);
  });
  afterEach(() => store.close());

  /** A writer at work on a bus that can be cut. */
  const writing = async (options: Partial<AuditRelayOptions> & { log?: KeyStore } = {}) => {
    const log = options.log ?? store;
    const published: LatchkeyEvent[] = [];
    const bus = { up: true };
    const wrapper = new KeyWrapper(masterKey);
    const trail = new AuditTrail(log, {
      instance: 'test',
      dataKey: (deadline) => wrapper.ownDataKey(AUDIT_CONTEXT, deadline),
    });
    const publish = async (_: EventContract, event: { id: string }) => {
      if (!bus.up) throw new Error('the bus is down');
      published.push(event as LatchkeyEvent);
    };
    const relay = new AuditRelay(log, trail, {
      logger: quiet,
      publish,
      macKeyOf: async (row) => macKeyOf(await masterKey.decrypt(row.encryptedDataKey, AUDIT_CONTEXT, 60_000)),
      tickMs: 20,
      deadAfterMs: 0,
      ...options,
    });
    const audit = new AuditWriter(log, trail, relay, quiet, false);
    await audit.open(soon());
    relay.start();
    const record = () =>
      audit.record(keyReleased, 'default/movie', {
        tenant: 'default',
        contentId: 'movie',
        exchangeId: randomUUID(),
        keyIds: [newKeyId()],
        reason: 'player',
      });
    const write = async (count: number): Promise<AuditRecord[]> => {
      const records = Array.from({ length: count }, record);
      await audit.append(records, soon());
      return records;
    };
    return { bus, trail, relay, audit, published, record, write };
  };
  const idsOf = (records: readonly { event?: { id: string } }[]) => records.map(({ event }) => event?.id).sort();
  const sorted = (events: readonly LatchkeyEvent[]) => events.map(({ id }) => id).sort();

  it('publishes what was written, in the end and once, though the bus is down for a while', async () => {
    // promise 19
    const { bus, relay, published, write } = await writing();
    const first = await write(100);
    await eventually(() => published.length === 100);
    bus.up = false;
    const second = await write(100);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(published).toHaveLength(100);
    expect(relay.waiting).toBe(100);
    bus.up = true;
    await eventually(() => relay.waiting === 0);
    expect(sorted(published)).toEqual(idsOf([...first, ...second]));
    await relay.stop(soon());
    expect(await store.writers('open')).toEqual([]);
  });

  it('reads from the store what memory could not hold while the bus was down', async () => {
    const { bus, relay, published, write } = await writing({ maxQueued: 50 });
    bus.up = false;
    const records = (await Promise.all(Array.from({ length: 30 }, () => write(100)))).flat();
    bus.up = true;
    await eventually(() => relay.waiting === 0);
    expect([...new Set(sorted(published))]).toEqual(idsOf(records));
    await relay.stop(soon());
  });

  it('publishes what a dead process left', async () => {
    // promise 19
    const dead = await writing();
    dead.bus.up = false;
    const left = await dead.write(100);
    // Under way when it dies, so that the answer does not leave: the number is not a lost record.
    dead.record();
    left.push(...(await dead.write(50)));
    await dead.relay.tick();
    // It dies here: nobody stops its relay in good order.
    const next = await writing();
    await eventually(() => next.published.length === 151);
    const voided = next.published.filter(({ type }) => type === 'io.latchkey.audit.voided.v1');
    expect(voided.map(({ id }) => id)).toEqual([`${dead.trail.writer}.101`]);
    expect(sorted(next.published.filter((event) => !voided.includes(event)))).toEqual(idsOf(left));
    expect((await verifyAudit(store, masterKey)).findings).toEqual([]);
    await dead.relay.stop(Deadline.in(0));
    await next.relay.stop(soon());
  });

  it('closes the gap of a record that was not written, and publishes one that was in truth', async () => {
    let fail: 'before' | 'after' | undefined;
    const lossy = new Proxy(store, {
      get: (target, name) => {
        const method = Reflect.get(target, name) as unknown;
        if (name !== 'append') return typeof method === 'function' ? method.bind(target) : method;
        return async (...args: Parameters<KeyStore['append']>) => {
          if (fail === 'before') throw new Error('not written');
          await store.append(...args);
          if (fail === 'after') throw new Error('written, and nobody knows');
        };
      },
    });
    const { relay, published, write, trail } = await writing({ log: lossy });
    await write(1);
    fail = 'before';
    await expect(write(1)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    fail = 'after';
    await expect(write(1)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    fail = undefined;
    await write(1);
    await eventually(() => relay.waiting === 0);
    expect(published.map((event) => 'sequence' in event.data && event.data.sequence).sort()).toEqual([1, 2, 3, 4]);
    expect(published.find(({ id }) => id.endsWith('.2'))?.type).toBe('io.latchkey.audit.voided.v1');
    await relay.stop(soon());
    expect(await store.recordsAfter(trail.writer, 0, 10)).toHaveLength(4);
    expect((await verifyAudit(store, masterKey)).findings).toEqual([]);
  });

  it('shows exactly the records that were cut out or altered', async () => {
    // promise 22
    const { relay, write, trail } = await writing();
    await write(50);
    await eventually(() => relay.waiting === 0);
    await relay.stop(soon());
    expect(await verifyAudit(store, masterKey)).toEqual({ writers: 1, records: 50, findings: [] });

    const raw = open<unknown, Buffer>({ path, keyEncoding: 'binary', encoding: 'msgpack' });
    const key = (sequence: number) => Buffer.from(`A${trail.writer}#${String(sequence).padStart(16, '0')}`);
    const [body, mac] = raw.get(key(7)) as [string, Buffer];
    await raw.put(key(7), [body.replace('player', 'warm'), mac]);
    await raw.remove(key(20));
    await raw.remove(key(50));
    // A record put in the place of another.
    await raw.put(key(30), raw.get(key(31)));
    await raw.close();
    const { findings } = await verifyAudit(store, masterKey);
    expect(findings.map(({ sequence, fault }) => [sequence, fault])).toEqual([
      [7, 'altered'],
      [30, 'altered'],
      [20, 'missing'],
      [50, 'missing'],
    ]);
  });

  it('can be published once more, under the same ids', async () => {
    // promise 21
    const { relay, published, write } = await writing();
    await write(150);
    await eventually(() => relay.waiting === 0);
    await relay.stop(soon());
    const again: string[] = [];
    expect(await republishAudit(store, async (_, event) => void again.push(event.id))).toBe(150);
    expect(again.sort()).toEqual(sorted(published));
  });

  it('refuses when there is no key to authenticate records with', async () => {
    const trail = new AuditTrail(store, { instance: 'test', dataKey: () => Promise.reject(new Error('KMS is down')) });
    await expect(trail.open(Deadline.in(100))).rejects.toThrow('KMS is down');
  });
});
