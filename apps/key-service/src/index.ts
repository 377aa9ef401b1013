import { startAnswering, type BusConnection } from '@latchkey/bus';
import type { RunningService, ServiceContext } from '@latchkey/runtime';
import { openTenantSource, readTenantSource } from '@latchkey/tenant-source';
import { readKeyServiceConfig, type KeyServiceConfig } from './config';
import { openKeyServiceParts } from './key-service-parts';
import { KeyServiceModule } from './key-service.module';
import { claimDirectory } from './store/directory-claim';

export { variables } from './config';

/** Answers for content keys on the bus: issue, wrap, store, hand over, tell the audit. */
export async function startKeyService(context: ServiceContext, connection: BusConnection): Promise<RunningService> {
  const config = readKeyServiceConfig(context.environment);
  if (config.DYNAMODB_TABLE !== undefined) return startWith(config, context, connection);
  const claim = await claimDirectory(config.DATA_DIR, context.logger);
  try {
    const service = await startWith(config, context, connection);
    return { ...service, close: () => service.close().finally(() => claim.close()) };
  } catch (error) {
    await claim.close();
    throw error;
  }
}

async function startWith(
  config: KeyServiceConfig,
  context: ServiceContext,
  connection: BusConnection,
): Promise<RunningService> {
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
