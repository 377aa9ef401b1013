import { randomUUID } from 'node:crypto';
import type { Bus } from '@latchkey/bus';
import { configurationLoaded } from '@latchkey/messages';
import type { ServiceContext } from '@latchkey/runtime';
import type { OpenedAccess } from './open-access';

const TRIES = 5;
const BETWEEN_MS = 2_000;

/** Says on the bus, and so in the ledger, which access rules are in force, now and whenever they change: their digest, not what is in them. */
export function tellAccess(opened: OpenedAccess, context: ServiceContext, bus: Bus): void {
  const tell = () => {
    publish(eventOf(opened, context), bus, TRIES).catch((err: unknown) =>
      context.logger.warn({ err }, 'the bus was not told who may see the console'),
    );
  };
  tell();
  opened.onChange(tell);
}

type ConfigurationEvent = ReturnType<typeof eventOf>;

function eventOf({ digest, warnings }: OpenedAccess, { name, instance }: ServiceContext) {
  return {
    specversion: '1.0' as const,
    id: randomUUID(),
    source: `/latchkey/${name}/${instance}`,
    type: configurationLoaded.type,
    time: new Date().toISOString(),
    datacontenttype: 'application/json' as const,
    // It reads no tenants.
    data: { service: name, tenants: 0, digest: digest(), warnings: [...warnings()] },
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
