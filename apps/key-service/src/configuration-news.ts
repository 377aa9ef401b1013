import { tellConfiguration, type Bus, type Outbox } from '@latchkey/bus';
import type { ServiceContext } from '@latchkey/runtime';
import { tenantsInForce, type TenantDirectory } from '@latchkey/tenants';
import type { KeyServiceConfig } from './config';

/** Says on the bus which tenants are in force, now and whenever they change; to the log what an operator should know. */
export function tellTenants(
  config: KeyServiceConfig,
  tenants: TenantDirectory,
  context: ServiceContext,
  teller: { bus: Bus; outbox: Outbox },
): void {
  const inForce = () => tenantsInForce(tenants, warningsOf(config, tenants), context.logger);
  tellConfiguration(context, teller, inForce, (listener) => tenants.onChange(listener));
}

function warningsOf(config: KeyServiceConfig, tenants: TenantDirectory): string[] {
  const fixed = tenants.list().filter(({ policy }) => policy.keyIdOverride.mode === 'fixed');
  return [
    ...(config.KMS_KEY_ID
      ? []
      : ['content keys are wrapped under a key file in DATA_DIR: for one machine, not for production (KMS_KEY_ID)']),
    ...(config.AUDIT_FAIL_OPEN ? ['AUDIT_FAIL_OPEN is set: keys may leave without an audit record'] : []),
    ...tenants
      .list()
      .filter(({ keys }) => keys.source === 'playready-test-seed')
      .map(
        ({ id }) =>
          `tenant ${id} has keys that anybody can make (keys.source: playready-test-seed): for tests, never for production`,
      ),
    ...fixed.map(
      ({ id }) => `tenant ${id} answers configured keys (keyIdOverride: fixed): for tests, never for production`,
    ),
  ];
}
