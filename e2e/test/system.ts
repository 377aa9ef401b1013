import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, freePort, startNatsServer, temporaryDirectory, type NatsServer } from '@latchkey/testing';
import { ManagedProcess } from './managed-process';

const ROOT = join(__dirname, '../..');
const SIGNALING = ['signaling-widevine', 'signaling-playready', 'signaling-fairplay', 'signaling-clearkey'] as const;

/** However busy the machine is that runs the tests: what is late is not what they are about, unless they say so. */
const PATIENT = { BUS_PATIENCE: '10', SPEKE_DEADLINE_MS: '20000', DELIVERY_MOST_DELAY_MS: '60000' };

/** The time limits of production. */
export const HASTY = { BUS_PATIENCE: '1', SPEKE_DEADLINE_MS: '1800', DELIVERY_MOST_DELAY_MS: '500' };

export interface SystemOptions {
  /** The store that another system left behind. A fresh one if absent. */
  readonly data?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** How many speke-gateways (services only). */
  readonly gateways?: number;
}

/** The whole system as processes, driven only from outside. Needs a build (`npm test` and Nx see to it). */
export interface System {
  readonly data: string;
  /** One for each gateway. */
  readonly spekeUrls: readonly string[];
  readonly spekeUrl: string;
  readonly deliveryUrl: string;
  readonly consoleUrl: string;
  /** Of services; standalone has none. */
  readonly nats?: NatsServer;
  readonly processes: ReadonlyMap<string, ManagedProcess>;
  process(name: string): ManagedProcess;
  /** Until every door says that it is ready. */
  ready(): Promise<void>;
  /** All that all processes wrote. */
  output(): string;
  /** Ends all processes; the data stay until `removeData`. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  removeData(): void;
}

/** `npm start`: everything in one process. */
export async function startStandalone(options: SystemOptions = {}): Promise<System> {
  const doors = await freeDoors(1);
  const environment = { ...PATIENT, ...doors.environment, ...dataFolder(options), ...options.environment };
  return started(environment.DATA_DIR, doors, [service('standalone', environment)]);
}

/** Every service a process of its own, on a real nats-server with JetStream. */
export async function startServices(options: SystemOptions = {}): Promise<System> {
  const doors = await freeDoors(options.gateways ?? 1);
  const nats = await startNatsServer();
  const environment = {
    ...PATIENT,
    ...doors.environment,
    ...dataFolder(options),
    NATS_URL: nats.url,
    DELIVERY_BASE_URL: doors.deliveryUrl,
    ...options.environment,
  };
  const gateways = doors.spekePorts.map((port, at) =>
    service('speke-gateway', { ...environment, SPEKE_PORT: String(port) }, at === 0 ? '' : `-${at + 1}`),
  );
  const others = ['key-service', ...SIGNALING, 'key-delivery', 'monitor'].map((name) => service(name, environment));
  return started(environment.DATA_DIR, doors, [...others, ...gateways], nats);
}

type Doors = Awaited<ReturnType<typeof freeDoors>>;

async function started(data: string, doors: Doors, list: ManagedProcess[], nats?: NatsServer): Promise<System> {
  const processes = new Map(list.map((each) => [each.name, each]));
  const system: System = {
    ...doors,
    data,
    ...(nats && { nats }),
    processes,
    process: (name) => {
      const found = processes.get(name);
      if (!found) throw new Error(`there is no process ${name}`);
      return found;
    },
    ready: () => ready(doors, list),
    output: () => list.map((each) => each.output).join(''),
    stop: async (signal = 'SIGTERM') => {
      await Promise.all(list.map((each) => each.kill(signal)));
      await nats?.stop();
    },
    removeData: () => rmSync(data, { recursive: true, force: true }),
  };
  try {
    await system.ready();
    return system;
  } catch (error) {
    await system.stop('SIGKILL');
    throw error;
  }
}

function service(name: string, environment: Readonly<Record<string, string>>, suffix = ''): ManagedProcess {
  const main = join(ROOT, 'apps', name, 'dist/main.js');
  if (!existsSync(main)) throw new Error(`apps/${name} is not built: npm run build`);
  return new ManagedProcess({ name: name + suffix, command: process.execPath, args: [main], environment });
}

async function ready(doors: Doors, processes: readonly ManagedProcess[]): Promise<void> {
  const urls = [...doors.spekeUrls, doors.deliveryUrl, doors.consoleUrl];
  await eventually(async () => {
    const ended = processes.find((each) => !each.running);
    if (ended) throw new Error(`${ended.name} ended:\n${ended.output.slice(-4_000)}`);
    return (await Promise.all(urls.map(isReady))).every(Boolean);
  }, 'readiness');
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false; // not listening yet
  }
}

function dataFolder({ data }: SystemOptions) {
  return { DATA_DIR: data ?? temporaryDirectory(), LOG_LEVEL: 'info' };
}

async function freeDoors(gateways: number) {
  const [delivery, monitor, ...spekePorts] = (await Promise.all(Array.from({ length: gateways + 2 }, freePort))) as [
    number,
    number,
    ...number[],
  ];
  const spekeUrls = spekePorts.map((port) => `http://127.0.0.1:${port}`);
  return {
    spekePorts,
    spekeUrls,
    spekeUrl: spekeUrls[0] as string,
    deliveryUrl: `http://127.0.0.1:${delivery}`,
    consoleUrl: `http://127.0.0.1:${monitor}`,
    environment: {
      SPEKE_PORT: String(spekePorts[0]),
      DELIVERY_PORT: String(delivery),
      CONSOLE_PORT: String(monitor),
    },
  };
}
