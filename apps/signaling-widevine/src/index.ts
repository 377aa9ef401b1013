import 'reflect-metadata';
import { busCheck, startAnswering, type BusConnection } from '@latchkey/bus';
import type { RunningService, ServiceContext } from '@latchkey/runtime';
import { openTenantSource } from '@latchkey/tenant-source';
import { readConfig } from './config';
import { WidevineModule } from './widevine.module';

export { variables } from './config';

export async function startSignalingWidevine(
  context: ServiceContext,
  connection: BusConnection,
): Promise<RunningService> {
  const tenants = await openTenantSource(readConfig(context.environment).tenants, context);
  const service = await startAnswering(WidevineModule.with(tenants), connection, context);
  return {
    name: 'signaling-widevine',
    checks: [busCheck(connection)],
    async close() {
      await service.close();
      tenants.close();
    },
  };
}
