import 'reflect-metadata';
import { busCheck, startAnswering, type BusConnection } from '@latchkey/bus';
import type { RunningService, ServiceContext } from '@latchkey/runtime';
import { openTenants } from '@latchkey/tenants';
import { readConfig } from './config';
import { FairplayModule } from './fairplay.module';

export { variables } from './config';

export async function startSignalingFairplay(
  context: ServiceContext,
  connection: BusConnection,
): Promise<RunningService> {
  const { tenantsFile } = readConfig(context.environment);
  const tenants = openTenants(tenantsFile, (error) =>
    context.logger.error({ err: error }, 'the last good tenants stay'),
  );
  const service = await startAnswering(FairplayModule.with(tenants), connection, context);
  return {
    name: 'signaling-fairplay',
    checks: [busCheck(connection)],
    async close() {
      await service.close();
      tenants.close();
    },
  };
}
