import 'reflect-metadata';
import { busCheck, startAnswering, type BusConnection } from '@latchkey/bus';
import type { RunningService, ServiceContext } from '@latchkey/runtime';
import { openTenantSource } from '@latchkey/tenant-source';
import { readConfig } from './config';
import { FairplayModule } from './fairplay.module';

export { variables } from './config';

export async function startSignalingFairplay(
  context: ServiceContext,
  connection: BusConnection,
): Promise<RunningService> {
  const tenants = await openTenantSource(readConfig(context.environment).tenants, context);
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
