import { connectBus, type BusConnection, type MemoryHub } from '@latchkey/bus';
import { createContext, type Environment, type RunningService, type ServiceContext } from '@latchkey/runtime';
import { readConfig } from './config';

type Start = (context: ServiceContext, connection: BusConnection) => Promise<RunningService>;

/** Loaded where they run: each thread has its own of what it needs. */
const STARTS = {
  'key-service': async () => (await import('@latchkey/key-service')).startKeyService,
  'key-delivery': async () => (await import('@latchkey/key-delivery')).startKeyDelivery,
  'signaling-widevine': async () => (await import('@latchkey/signaling-widevine')).startSignalingWidevine,
  'signaling-playready': async () => (await import('@latchkey/signaling-playready')).startSignalingPlayready,
  'signaling-fairplay': async () => (await import('@latchkey/signaling-fairplay')).startSignalingFairplay,
  'signaling-clearkey': async () => (await import('@latchkey/signaling-clearkey')).startSignalingClearkey,
  monitor: async () => (await import('@latchkey/monitor')).startMonitor,
  'speke-gateway': async () => (await import('@latchkey/speke-gateway')).startSpekeGateway,
} satisfies Record<string, () => Promise<Start>>;

export type ServiceName = keyof typeof STARTS;

/** Where services run: in this thread, or in another. */
export interface Host {
  /** `defaults` stand where the environment says nothing. */
  start(name: ServiceName, defaults?: Environment): Promise<RunningService>;
}

/**
 * Services in this thread, on a bus in memory; on NATS when NATS_URL says where. Each has its own connection, so that nothing
 * here is closer than it would be as a process of its own.
 */
export class ServiceHost implements Host {
  readonly #connect: (context: ServiceContext) => BusConnection | Promise<BusConnection>;

  constructor(
    private readonly environment: Environment,
    private readonly stopping: AbortSignal | undefined,
    hub: MemoryHub,
  ) {
    this.#connect = readConfig(environment).NATS_URL ? connectBus : (each) => hub.connect(each);
  }

  async start(name: ServiceName, defaults: Environment = {}): Promise<RunningService> {
    const context = createContext(name, { ...defaults, ...this.environment }, this.stopping);
    const start: Start = await STARTS[name]();
    const connection = await this.#connect(context);
    try {
      const service = await start(context, connection);
      return { ...service, close: () => service.close().then(() => connection.close()) };
    } catch (error) {
      await connection.close();
      throw error;
    }
  }
}
