import 'reflect-metadata';
import { busCheck, startAnswering, type BusConnection } from '@latchkey/bus';
import type { RunningService, ServiceContext } from '@latchkey/runtime';
import { openTenantSource } from '@latchkey/tenant-source';
import type { TenantDirectory } from '@latchkey/tenants';
import { readConfig } from './config';
import { PlayreadyModule } from './playready.module';

export { variables } from './config';

export async function startSignalingPlayready(
  context: ServiceContext,
  connection: BusConnection,
): Promise<RunningService> {
  const tenants = await openTenantSource(readConfig(context.environment).tenants, context);
  const warn = () => warnOfTestServer(tenants, context);
  warn();
  tenants.onChange(warn);
  const service = await startAnswering(PlayreadyModule.with(tenants), connection, context);
  return {
    name: 'signaling-playready',
    checks: [busCheck(connection)],
    async close() {
      await service.close();
      tenants.close();
    },
  };
}

/** Whoever has such a tenant's manifest gets its licences. */
function warnOfTestServer(tenants: TenantDirectory, { logger }: ServiceContext): void {
  for (const { id, signaling } of tenants.list()) {
    if (signaling.playready.testServer)
      logger.warn({ tenant: id }, 'PlayReady licences come from the public test server');
  }
}
