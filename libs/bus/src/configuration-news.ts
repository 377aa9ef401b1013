import { configurationLoaded, eventSource, newEvent } from '@latchkey/messages';
import type { ServiceContext } from '@latchkey/runtime';
import type { Bus } from './bus';
import type { Outbox } from './outbox';

/** What is in force in a service: how many tenants, a digest of it, and what an operator should know; nothing of what is in it. */
export interface ConfigurationInForce {
  readonly tenants: number;
  readonly digest: string;
  readonly warnings: readonly string[];
}

/** Says on the bus, and so in the ledger, which configuration is in force, now and whenever it changes. */
export function tellConfiguration(
  context: ServiceContext,
  { bus, outbox }: { readonly bus: Bus; readonly outbox: Outbox },
  inForce: () => ConfigurationInForce,
  onChange: (listener: () => void) => void,
): void {
  const tell = () => {
    const { tenants, digest, warnings } = inForce();
    const event = newEvent(configurationLoaded, {
      source: eventSource(context),
      data: { service: context.name, tenants, digest, warnings: [...warnings] },
    });
    outbox.put(() => bus.publish(configurationLoaded, event));
  };
  tell();
  onChange(tell);
}
