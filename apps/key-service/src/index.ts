import { startAnswering, type BusConnection } from '@latchkey/bus';
import type { RunningService, ServiceContext } from '@latchkey/runtime';
import { openTenantSource, readTenantSource } from '@latchkey/tenant-source';
import { readKeyServiceConfig } from './config';
import { openKeyServiceParts } from './key-service-parts';
import { KeyServiceModule } from './key-service.module';

export { variables } from './config';

/** Answers for content keys on the bus: issue, wrap, store, hand over, tell the audit. */
export async function startKeyService(context: ServiceContext, connection: BusConnection): Promise<RunningService> {
  const config = readKeyServiceConfig(context.environment);
  const tenants = await openTenantSource(readTenantSource(context.environment), context);
  const parts = openKeyServiceParts(config, tenants, context, connection);
  const answering = await startAnswering(KeyServiceModule.of(parts), connection, context);
  return {
    name: context.name,
    checks: [
      { name: 'key-store', check: remembered(() => parts.store.check()) },
      { name: 'master-key', check: remembered(() => parts.masterKey.check()) },
    ],
    close: async () => {
      await answering.close();
      await parts.close();
    },
  };
}

const REMEMBER_MS = 2_000;

/** Many probes, one call: each would be one to DynamoDB and one to KMS, which costs. */
function remembered(check: () => Promise<boolean>): () => Promise<boolean> {
  let answer = Promise.resolve(false);
  let until = -Infinity;
  return () => {
    if (performance.now() >= until) {
      answer = check();
      until = performance.now() + REMEMBER_MS;
    }
    return answer;
  };
}
