import { MemoryHub, type BusConnection } from '@latchkey/bus';
import { createLogger, type Environment, type RunningService, type ServiceContext } from '@latchkey/runtime';
import { temporaryDirectory } from '@latchkey/testing';
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

/** A monitor on a bus in memory, on any free port. */
export async function startMonitorAtTest(environment: Environment = {}, hub = new MemoryHub()): Promise<MonitorAtTest> {
  const context = contextOf('monitor', {
    CONSOLE_PORT: '0',
    DATA_DIR: temporaryDirectory(),
    BUS_PATIENCE: '30',
    ...environment,
  });
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
