import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { MemoryHub } from '@latchkey/bus';
import {
  takeMeasurement,
  ThreadPort,
  type Environment,
  type Measurement,
  type RunningService,
  type ServiceContext,
} from '@latchkey/runtime';
import type { Host, ServiceName } from './service-host';
import type { StartedService, ThreadData } from './keeping-thread-main';

/** Compiled, also for those who run this file from its source. */
const MAIN = join(__dirname, '../dist/keeping-thread-main.js');

/** A second thread of this process, and the services in it, which are on one bus with those here. */
export class KeepingThread implements Host {
  /** For the services of this thread. */
  readonly hub: MemoryHub;
  readonly #control: ThreadPort;
  readonly #ended: Promise<void>;
  #closing = false;

  constructor({ name, instance, environment, stopping }: ServiceContext, main = MAIN) {
    const [control, bus] = [new MessageChannel(), new MessageChannel()];
    const workerData: ThreadData = { name, instance, environment, control: control.port2, bus: bus.port2 };
    const worker = new Worker(main, { workerData, transferList: [control.port2, bus.port2] });
    this.#control = new ThreadPort(control.port1);
    this.#control.serve('measured', (measurement: Measurement) => takeMeasurement(measurement));
    stopping?.addEventListener('abort', () => this.#control.tell('stopping'));
    this.hub = MemoryHub.beside(new ThreadPort(bus.port1));
    // As in this thread: what state an error left behind that nobody caught is not known.
    worker.on('error', (error) => {
      throw error;
    });
    this.#ended = new Promise((ended) => {
      worker.on('exit', (code) => {
        ended();
        if (!this.#closing) throw new Error(`the thread of key-service and the monitor ended with ${code}`);
      });
    });
  }

  async start(name: ServiceName, defaults: Environment = {}): Promise<RunningService> {
    const { checks, url } = await this.#control.call<StartedService>('start', { name, defaults });
    return {
      name,
      ...(url !== undefined && { url }),
      checks: checks.map((check) => ({
        name: check,
        check: () => this.#control.call<boolean>('check', { name, check }),
      })),
      close: () => this.#control.call('close', { name }),
    };
  }

  /** When its services are closed. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#control.tell('end');
    await this.#ended;
  }
}
