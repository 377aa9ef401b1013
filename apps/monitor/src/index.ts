import { join } from 'node:path';
import { busCheck, startAnswering, type BusConnection } from '@latchkey/bus';
import { startHttp } from '@latchkey/http';
import type { RunningService, ServiceContext } from '@latchkey/runtime';
import { readMonitorConfig } from './config';
import { EventIntake } from './event-intake';
import { Ledger } from './ledger/ledger';
import { LmdbLedgerStore } from './ledger/lmdb-ledger-store';
import { ConsoleModule, MonitorEventsModule } from './monitor.module';

/** Hears every event into the ledger, watches rotations, and serves the ops console. */
export async function startMonitor(context: ServiceContext, connection: BusConnection): Promise<RunningService> {
  const config = readMonitorConfig(context.environment);
  const ledger = new Ledger(new LmdbLedgerStore(join(config.DATA_DIR, 'monitor')));
  const checks = [busCheck(connection), { name: 'ledger', check: () => ledger.store.healthy() }];
  const events = await startAnswering(MonitorEventsModule.of(new EventIntake(ledger, [])), connection, context);
  const http = await startHttp(ConsoleModule.of(), context, {
    port: config.CONSOLE_PORT,
    host: config.CONSOLE_HOST,
    bodyLimit: 1_048_576,
    jsonBodies: true,
    problems: 'json',
    checks,
  });
  return {
    name: context.name,
    url: http.url,
    checks,
    close: async () => {
      await http.close();
      await events.close();
      await ledger.close();
    },
  };
}
