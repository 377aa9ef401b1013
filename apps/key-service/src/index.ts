import { startAnswering, type BusConnection } from '@latchkey/bus';
import type { RunningService, ServiceContext } from '@latchkey/runtime';
import { readKeyServiceConfig } from './config';
import { openKeyServiceParts } from './key-service-parts';
import { KeyServiceModule } from './key-service.module';

export { variables } from './config';

/** Answers for content keys on the bus: issue, wrap, store, hand over, tell the audit. */
export async function startKeyService(context: ServiceContext, connection: BusConnection): Promise<RunningService> {
  const config = readKeyServiceConfig(context.environment);
  const parts = openKeyServiceParts(config, context, connection);
  const answering = await startAnswering(KeyServiceModule.of(parts), connection, context);
  return {
    name: context.name,
    checks: [
      { name: 'key-store', check: () => parts.store.check() },
      { name: 'master-key', check: () => parts.masterKey.check() },
    ],
    close: async () => {
      await answering.close();
      await parts.close();
    },
  };
}
