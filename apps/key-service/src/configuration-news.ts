import type { Bus, Outbox } from '@latchkey/bus';
import { configurationLoaded, eventSource, newEvent } from '@latchkey/messages';
import type { ServiceContext } from '@latchkey/runtime';
import type { TenantDirectory } from '@latchkey/tenants';
import type { KeyServiceConfig } from './config';

/** Says on the bus which configuration is in force, now and whenever it changes; to the log what an operator should know of it. */
export function tellConfiguration(
  config: KeyServiceConfig,
  tenants: TenantDirectory,
  context: ServiceContext,
  { bus, outbox }: { bus: Bus; outbox: Outbox },
): void {
  const tell = () => {
    const warnings = warningsOf(config, tenants);
    for (const warning of warnings) context.logger.warn(warning);
    const event = newEvent(configurationLoaded, {
      source: eventSource(context),
      data: {
        service: context.name,
        tenants: tenants.list().length,
        digest: tenants.digest,
        warnings: [...warnings, ...tenants.faults],
      },
    });
    outbox.put(() => bus.publish(configurationLoaded, event));
  };
  tell();
  tenants.onChange(tell);
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
