import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually';

/** A real nats-server with JetStream on a free port of the loopback; its store lives until `stop`. */
export interface NatsServer {
  readonly url: string;
  readonly port: number;
  /** SIGKILL: what a crash is. The store stays. */
  kill(): Promise<void>;
  /** On the same port, with the same store. */
  restart(): Promise<void>;
  /** After `kill`: the store is gone as well. */
  wipe(): void;
  /** SIGSTOP and SIGCONT: the server is there and says nothing. */
  pause(): Promise<void>;
  resume(): void;
  stop(): Promise<void>;
}

export interface NatsServerOptions {
  /** More of the server's own configuration language: accounts, users, TLS. */
  readonly configuration?: string;
  /** Without JetStream, events cannot be kept. */
  readonly jetStream?: boolean;
  readonly scheme?: 'nats' | 'tls';
  /** Variables that the configuration refers to. */
  readonly environment?: Readonly<Record<string, string>>;
}

export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const directory = mkdtempSync(join(tmpdir(), 'nats-'));
  let port = -1;
  let server: ChildProcess;
  const start = async () => {
    server = launch(directory, port, options);
    port = await listeningPort(directory, server);
  };
  const kill = () => end(server, 'SIGKILL');
  await start();
  return {
    port,
    url: `${options.scheme ?? 'nats'}://127.0.0.1:${port}`,
    kill,
    restart: start,
    wipe: () => rmSync(join(directory, 'store'), { recursive: true, force: true }),
    pause: () => stopped(server),
    resume: () => void server.kill('SIGCONT'),
    stop: async () => {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Whether nats-server is installed; says so when it is not, and in CI insists on it. */
export function natsServerPresent(): boolean {
  if (spawnSync('nats-server', ['--version']).status === 0) return true;
  if (process.env['CI']) throw new Error('nats-server is not installed: apt-get install nats-server');
  console.warn('skipped: nats-server is not installed (apt-get install nats-server)');
  return false;
}

function launch(directory: string, port: number, options: NatsServerOptions): ChildProcess {
  const { configuration = '', jetStream = true, environment } = options;
  const file = join(directory, 'nats.conf');
  const store = join(directory, 'store');
  const lines = [
    `host: 127.0.0.1`,
    `port: ${port}`,
    `ports_file_dir: "${directory}"`,
    ...(jetStream ? [`jetstream { store_dir: "${store}" }`] : []),
    configuration,
  ];
  writeFileSync(file, lines.join('\n'));
  return spawn('nats-server', ['--config', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
}

/** The server writes its ports to a file once it listens. */
async function listeningPort(directory: string, server: ChildProcess): Promise<number> {
  let log = '';
  server.stderr?.on('data', (text: Buffer) => (log += text.toString()));
  return eventually(
    async () => {
      if (server.exitCode !== null) throw new Error(`nats-server ended: ${log}`);
      const port = portIn(join(directory, `nats-server_${server.pid}.ports`));
      return port !== undefined && (await accepts(port)) ? port : undefined;
    },
    () => `nats-server, which says ${log},`,
  );
}

function portIn(file: string): number | undefined {
  try {
    const { nats } = JSON.parse(readFileSync(file, 'utf8')) as { nats: string[] };
    return Number(new URL(nats[0] as string).port);
  } catch {
    return undefined;
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const accepted = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return accepted;
}

/** SIGSTOP takes a moment: until Linux says that the process is stopped. */
async function stopped(server: ChildProcess): Promise<void> {
  server.kill('SIGSTOP');
  while (!/^State:\s+T/m.test(readFileSync(`/proc/${server.pid}/status`, 'utf8'))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill(signal);
  await once(server, 'exit');
}
