import { MemoryHub } from '@latchkey/bus';
import type { Environment, RunningService, ServiceContext } from '@latchkey/runtime';
import { readConfig } from './config';
import { KeepingThread } from './keeping-thread';
import { ServiceHost, type Host, type ServiceName } from './service-host';

/** The whole system in one process, and where its three doors are. */
export interface Standalone extends RunningService {
  readonly spekeUrl: string;
  readonly deliveryUrl: string;
  readonly consoleUrl: string;
}

/** Every service in this process, in one thread or in two. Throws what a service throws that cannot start. */
export async function startStandalone(context: ServiceContext): Promise<Standalone> {
  const composition = new Composition(context);
  try {
    await composition.start('key-service');
    const delivery = await composition.start('key-delivery');
    // Key URLs begin where the keys can be had, whatever port that turned out to be.
    await composition.startSignaling({ DELIVERY_BASE_URL: urlOf(delivery) });
    const monitor = await composition.start('monitor');
    const gateway = await composition.start('speke-gateway');
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

/** They write to the disk, and their work is not what an answer waits for most: they leave the doors a thread to themselves. */
const KEEPING: ReadonlySet<ServiceName> = new Set(['key-service', 'monitor']);

class Composition {
  readonly #running: RunningService[] = [];
  readonly #thread: KeepingThread | undefined;
  readonly #here: Host;

  constructor(context: ServiceContext) {
    const { environment, stopping } = context;
    this.#thread = readConfig(environment).THREADS > 1 ? new KeepingThread(context) : undefined;
    this.#here = new ServiceHost(environment, stopping, this.#thread?.hub ?? new MemoryHub());
  }

  get checks() {
    return this.#running.flatMap(({ checks }) => checks);
  }

  async start(name: ServiceName, defaults: Environment = {}): Promise<RunningService> {
    const host = KEEPING.has(name) ? (this.#thread ?? this.#here) : this.#here;
    const service = await host.start(name, defaults);
    this.#running.push(service);
    return service;
  }

  async startSignaling(defaults: Environment): Promise<void> {
    await Promise.all([
      this.start('signaling-widevine'),
      this.start('signaling-playready'),
      this.start('signaling-fairplay'),
      this.start('signaling-clearkey', defaults),
    ]);
  }

  /** Those who ask before those who answer. */
  async close(): Promise<void> {
    for (const service of this.#running.splice(0).toReversed()) await service.close();
    await this.#thread?.close();
  }
}

function urlOf(service: RunningService): string {
  if (!service.url) throw new Error(`${service.name} listens nowhere`);
  return service.url;
}
