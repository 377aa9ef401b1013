import { runProcess, type HealthCheck, type RunningService, type ServiceContext } from '@latchkey/runtime';
import type { Bus, BusConnection } from './bus';
import { connectBus } from './connect-bus';

/** What the main.ts of a service calls: connects, starts, and when told to stop closes the service before its connection. */
export function runOnBus(
  name: string,
  start: (context: ServiceContext, connection: BusConnection) => Promise<RunningService>,
): Promise<void> {
  return runProcess(name, async (context) => {
    const connection = await connectBus(context);
    const service = await start(context, connection);
    const checks = service.checks.some((check) => check.name === 'bus')
      ? service.checks
      : [...service.checks, busCheck(connection)];
    return {
      ...service,
      checks,
      close: async () => {
        await service.close();
        await connection.close();
      },
    };
  });
}

/** Ready only while messages can cross. */
export function busCheck(bus: Bus): HealthCheck {
  return { name: 'bus', check: () => bus.connected };
}
