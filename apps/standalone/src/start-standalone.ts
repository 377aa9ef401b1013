import { connectBus, MemoryHub, type BusConnection } from '@latchkey/bus';
import { startKeyDelivery } from '@latchkey/key-delivery';
import { startKeyService } from '@latchkey/key-service';
import { startMonitor } from '@latchkey/monitor';
import { createContext, type Environment, type RunningService, type ServiceContext } from '@latchkey/runtime';
import { startSignalingClearkey } from '@latchkey/signaling-clearkey';
import { startSignalingFairplay } from '@latchkey/signaling-fairplay';
import { startSignalingPlayready } from '@latchkey/signaling-playready';
import { startSignalingWidevine } from '@latchkey/signaling-widevine';
import { startSpekeGateway } from '@latchkey/speke-gateway';
import { readConfig } from './config';

/** The whole system in one process, and where its three doors are. */
export interface Standalone extends RunningService {
  readonly spekeUrl: string;
  readonly deliveryUrl: string;
  readonly consoleUrl: string;
}

type Start = (context: ServiceContext, connection: BusConnection) => Promise<RunningService>;

/**
 * Every service in this process, on a bus in memory; on NATS when NATS_URL says where. Each has its own connection, so
 * that nothing here is closer than it would be as a process of its own.
 */
export async function startStandalone(context: ServiceContext): Promise<Standalone> {
  const composition = new Composition(context);
  try {
    await composition.start('key-service', startKeyService);
    const delivery = await composition.start('key-delivery', startKeyDelivery);
    // Key URLs begin where the keys can be had, whatever port that turned out to be.
    await composition.startSignaling({ DELIVERY_BASE_URL: urlOf(delivery) });
    const monitor = await composition.start('monitor', startMonitor);
    const gateway = await composition.start('speke-gateway', startSpekeGateway);
    return {
      name: context.name,
      url: urlOf(gateway),
      spekeUrl: urlOf(gateway),
      deliveryUrl: urlOf(delivery),
      consoleUrl: urlOf(monitor),
      checks: composition.checks,
      close: () => composition.close(),
    };
  } catch (error) {
    await composition.close();
    throw error;
  }
}

class Composition {
  readonly #running: { service: RunningService; connection: BusConnection }[] = [];
  readonly #connect: (context: ServiceContext) => BusConnection | Promise<BusConnection>;

  constructor(private readonly context: ServiceContext) {
    const hub = new MemoryHub();
    this.#connect = readConfig(context.environment).NATS_URL ? connectBus : (each) => hub.connect(each);
  }

  get checks() {
    return this.#running.flatMap(({ service }) => service.checks);
  }

  async start(name: string, start: Start, defaults: Environment = {}): Promise<RunningService> {
    const { environment, stopping } = this.context;
    const context = createContext(name, { ...defaults, ...environment }, stopping);
    const connection = await this.#connect(context);
    try {
      const service = await start(context, connection);
      this.#running.push({ service, connection });
      return service;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async startSignaling(defaults: Environment): Promise<void> {
    await Promise.all([
      this.start('signaling-widevine', startSignalingWidevine),
      this.start('signaling-playready', startSignalingPlayready),
      this.start('signaling-fairplay', startSignalingFairplay),
      this.start('signaling-clearkey', startSignalingClearkey, defaults),
    ]);
  }

  /** Those who ask before those who answer. */
  async close(): Promise<void> {
    for (const { service, connection } of this.#running.splice(0).toReversed()) {
      await service.close();
      await connection.close();
    }
  }
}

function urlOf(service: RunningService): string {
  if (!service.url) throw new Error(`${service.name} listens nowhere`);
  return service.url;
}
