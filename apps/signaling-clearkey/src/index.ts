import 'reflect-metadata';
import { busCheck, startAnswering, type BusConnection } from '@latchkey/bus';
import type { SystemId } from '@latchkey/cenc';
import type { RunningService, ServiceContext } from '@latchkey/runtime';
import { openTenantSource } from '@latchkey/tenant-source';
import type { TenantDirectory } from '@latchkey/tenants';
import { CLEAR_KEY_SYSTEMS } from './clearkey-signaling';
import { ClearkeyModule } from './clearkey.module';
import { readConfig } from './config';

export { variables } from './config';

/**
 * Answers for the clear key systems and, beside them, for those that some tenant wants key ID boxes for, also when a
 * reload brings a new one. One that a reload takes away stays answered, with a refusal, until the service restarts.
 */
export async function startSignalingClearkey(
  context: ServiceContext,
  connection: BusConnection,
): Promise<RunningService> {
  const { logger, environment } = context;
  const { tenants: source, deliveryBaseUrl } = readConfig(environment);
  const tenants = await openTenantSource(source, context);
  const answered = new Set<SystemId>();
  const services: Array<{ close(): Promise<void> }> = [];

  const answer = async (systems: readonly SystemId[]) => {
    const added = [...new Set(systems)].filter((systemId) => !answered.has(systemId));
    if (added.length === 0) return;
    for (const systemId of added) answered.add(systemId);
    const module = ClearkeyModule.answering(added, { tenants, deliveryBaseUrl });
    services.push(await startAnswering(module, connection, context));
  };
  await answer([...CLEAR_KEY_SYSTEMS, ...keyIdBoxSystems(tenants)]);
  tenants.onChange(() => {
    answer(keyIdBoxSystems(tenants)).catch((error: unknown) => {
      logger.error({ err: error }, 'new keyIdBoxesFor are not answered');
    });
  });

  return {
    name: 'signaling-clearkey',
    checks: [busCheck(connection)],
    async close() {
      tenants.close();
      await Promise.all(services.map((service) => service.close()));
    },
  };
}

function keyIdBoxSystems(tenants: TenantDirectory): SystemId[] {
  return tenants.list().flatMap((tenant) => tenant.signaling.keyIdBoxesFor);
}
