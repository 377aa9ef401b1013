import { randomUUID } from 'node:crypto';
import type { Bus } from '@latchkey/bus';
import { configurationLoaded } from '@latchkey/messages';
import type { ServiceContext } from '@latchkey/runtime';
import type { TenantDirectory } from '@latchkey/tenants';
import type { KeyServiceConfig } from './config';

const TRIES = 5;
const BETWEEN_MS = 2_000;

/** Says on the bus which configuration is in force, now and whenever it changes; to the log what an operator should know of it. */
export function tellConfiguration(
  config: KeyServiceConfig,
  tenants: TenantDirectory,
  context: ServiceContext,
  bus: Bus,
): void {
  const tell = () => {
    const warnings = warningsOf(config, tenants);
    for (const warning of warnings) context.logger.warn(warning);
    publish(eventOf(context, tenants, warnings), bus, TRIES).catch((err: unknown) =>
      context.logger.warn({ err }, 'the bus was not told which configuration is in force'),
    );
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

type ConfigurationEvent = ReturnType<typeof eventOf>;

function eventOf({ name, instance }: ServiceContext, tenants: TenantDirectory, warnings: string[]) {
  return {
    specversion: '1.0' as const,
    id: randomUUID(),
    source: `/latchkey/${name}/${instance}`,
    type: configurationLoaded.type,
    time: new Date().toISOString(),
    datacontenttype: 'application/json' as const,
    data: {
      service: name,
      tenants: tenants.list().length,
      digest: tenants.digest,
      warnings: [...warnings, ...tenants.faults],
    },
  };
}

async function publish(event: ConfigurationEvent, bus: Bus, tries: number): Promise<void> {
  try {
    await bus.publish(configurationLoaded, event);
  } catch (error) {
    if (tries <= 1) throw error;
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS).unref());
    await publish(event, bus, tries - 1);
  }
}
