import { tellConfiguration, type Bus, type Outbox } from '@latchkey/bus';
import type { ServiceContext } from '@latchkey/runtime';
import type { OpenedAccess } from './open-access';

/** Says on the bus, and so in the ledger, which access rules are in force, now and whenever they change: their digest, not what is in them. */
export function tellAccess(opened: OpenedAccess, context: ServiceContext, teller: { bus: Bus; outbox: Outbox }): void {
  // It reads no tenants.
  const inForce = () => ({ tenants: 0, digest: opened.digest(), warnings: opened.warnings() });
  tellConfiguration(context, teller, inForce, (listener) => opened.onChange(listener));
}
