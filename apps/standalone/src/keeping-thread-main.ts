import { workerData, type MessagePort } from 'node:worker_threads';
import { MemoryHub } from '@latchkey/bus';
import { startThreadTelemetry, ThreadPort, type Environment, type RunningService } from '@latchkey/runtime';
import { ServiceHost, type ServiceName } from './service-host';

/** What the thread is started with. */
export interface ThreadData {
  readonly name: string;
  readonly instance: string;
  readonly environment: Environment;
  /** Over which it is told what to do. */
  readonly control: MessagePort;
  readonly bus: MessagePort;
}

/** A service as the other thread gets to know it. */
export interface StartedService {
  readonly url?: string | undefined;
  readonly checks: readonly string[];
}

interface About {
  readonly name: ServiceName;
}

/** The second thread of one-machine mode: it starts, checks and closes services as it is told. */
function serve({ name, instance, environment, control: controlPort, bus }: ThreadData): void {
  const control = new ThreadPort(controlPort);
  const stopping = new AbortController();
  const busPort = new ThreadPort(bus);
  const host = new ServiceHost(environment, stopping.signal, MemoryHub.withEvents(busPort));
  const running = new Map<string, RunningService>();
  const telemetry = startThreadTelemetry(name, instance, environment, (measurement) =>
    control.tell('measured', measurement),
  );

  control.serve('start', async ({ name: service, defaults }: About & { defaults: Environment }) => {
    await telemetry;
    const started = await host.start(service, defaults);
    running.set(service, started);
    const { url, checks } = started;
    return { url, checks: checks.map((check) => check.name) } satisfies StartedService;
  });
  control.serve('check', ({ name: service, check }: About & { check: string }) =>
    running
      .get(service)
      ?.checks.find((each) => each.name === check)
      ?.check(),
  );
  control.serve('close', ({ name: service }: About) => running.get(service)?.close());
  control.serve('stopping', () => stopping.abort());
  control.serve('end', async () => {
    await (await telemetry).close();
    busPort.close();
    control.close();
    // Of this thread alone. A service that could not start may have left timers and files open.
    process.exit(0);
  });
}

serve(workerData as ThreadData);
