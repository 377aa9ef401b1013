import { keyIssued } from '@latchkey/messages';
import { MemoryHub } from '@latchkey/bus';
import { eventually, temporaryDirectory } from '@latchkey/testing';
import { join } from 'node:path';
import { Ledger } from '../src/ledger/ledger';
import { LmdbLedgerStore } from '../src/ledger/lmdb-ledger-store';
import { contextOf, startMonitorAtTest } from './monitor-at-test';
import { issued } from './sample-events';

describe('monitor', () => {
  it('is alive and ready', async () => {
    const monitor = await startMonitorAtTest();
    for (const path of ['/healthz', '/readyz']) expect((await fetch(monitor.url + path)).status).toBe(200);
    await monitor.close();
  });

  it('hears an event into the ledger, and those that were stated while it was down', async () => {
    const [hub, DATA_DIR] = [new MemoryHub(), temporaryDirectory()];
    const events = [issued(), issued()];
    for (const event of events) {
      const monitor = await startMonitorAtTest({ DATA_DIR }, hub);
      await monitor.close();
      await hub.connect(contextOf('others')).publish(keyIssued, event);
    }
    const monitor = await startMonitorAtTest({ DATA_DIR }, hub);
    const reader = new Ledger(new LmdbLedgerStore(join(DATA_DIR, 'monitor', 'ledger')));
    const found = await eventually(async () => {
      const { records } = await reader.query({ limit: 10 });
      // Beside what the monitor says of itself.
      const heard = records.filter(({ entry }) => entry.event.type === keyIssued.type);
      return heard.length === 2 ? heard : undefined;
    });
    expect(found.map(({ entry }) => entry.event.id).sort()).toEqual(events.map(({ id }) => id).sort());
    await monitor.close();
  });
});
