import type { Bus, Outbox } from '@latchkey/bus';
import { configurationLoaded, newEvent } from '@latchkey/messages';
import type { Logger } from '@latchkey/runtime';
import type { TenantDirectory } from '@latchkey/tenants';

/** Says which configuration is in force, and which is not, now and whenever it changes: its digest, and nothing of what is in it. */
export function tellConfiguration(
  tenants: TenantDirectory,
  warningsNow: () => readonly string[],
  { bus, outbox, source, logger }: { bus: Bus; outbox: Outbox; source: string; logger: Logger },
): void {
  const tell = () => {
    const warnings = warningsNow();
    for (const warning of warnings) logger.warn(warning);
    const event = newEvent(configurationLoaded, {
      source,
      data: {
        service: 'speke-gateway',
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
