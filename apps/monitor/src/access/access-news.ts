import type { Bus, Outbox } from '@latchkey/bus';
import { configurationLoaded, eventSource, newEvent } from '@latchkey/messages';
import type { ServiceContext } from '@latchkey/runtime';
import type { OpenedAccess } from './open-access';

/** Says on the bus, and so in the ledger, which access rules are in force, now and whenever they change: their digest, not what is in them. */
export function tellAccess(
  opened: OpenedAccess,
  context: ServiceContext,
  { bus, outbox }: { bus: Bus; outbox: Outbox },
): void {
  const tell = () => {
    const event = newEvent(configurationLoaded, {
      source: eventSource(context),
      // It reads no tenants.
      data: { service: context.name, tenants: 0, digest: opened.digest(), warnings: [...opened.warnings()] },
    });
    outbox.put(() => bus.publish(configurationLoaded, event));
  };
  tell();
  opened.onChange(tell);
}
