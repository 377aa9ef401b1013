import type { ServiceContext } from '@latchkey/runtime';
import type { BusConnection } from './bus';
import { TransportConnection } from './connection';
import { connectNats } from './nats-transport';

/** Connects to NATS as the environment says; waits for it if it is not there yet, and comes back to it for ever. */
export async function connectBus(context: ServiceContext): Promise<BusConnection> {
  return new TransportConnection(await connectNats(context), context);
}
