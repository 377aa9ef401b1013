import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryHub, type BusConnection } from '@latchkey/bus';
import { createLogger, type Environment, type RunningService, type ServiceContext } from '@latchkey/runtime';
import { startMonitor } from '../src';

export interface MonitorAtTest {
  readonly service: RunningService;
  readonly url: string;
  /** Another service's end of the same bus. */
  readonly others: BusConnection;
  close(): Promise<void>;
}

export function contextOf(name: string, environment: Environment = {}): ServiceContext {
  return { name, instance: 'test', environment, logger: createLogger(name, { LOG_LEVEL: 'silent' }) };
}

export const newDataDir = (): string => mkdtempSync(join(tmpdir(), 'monitor-'));

/** A monitor on a bus in memory, on any free port. */
export async function startMonitorAtTest(environment: Environment = {}, hub = new MemoryHub()): Promise<MonitorAtTest> {
  const context = contextOf('monitor', { CONSOLE_PORT: '0', DATA_DIR: newDataDir(), ...environment });
  const [connection, others] = [hub.connect(context), hub.connect(contextOf('others'))];
  const service = await startMonitor(context, connection);
  return {
    service,
    url: service.url ?? '',
    others,
    close: async () => {
      await service.close();
      await Promise.all([connection.close(), others.close()]);
    },
  };
}

/** Waits until `probe` gives something, at most five seconds. */
export async function eventually<T>(probe: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const end = Date.now() + 5_000;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error('it did not come about in five seconds');
    await new Promise((done) => setTimeout(done, 20));
  }
}
