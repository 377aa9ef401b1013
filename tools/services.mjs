// `npm run services`: every service as a process of its own, on the nats-server at NATS_URL or on one started here.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installMissing, pathWithServers } from './parts.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Those who answer before those who ask. */
const SERVICES = [
  'key-service',
  'signaling-widevine',
  'signaling-playready',
  'signaling-fairplay',
  'signaling-clearkey',
  'monitor',
  'key-delivery',
  'speke-gateway',
];

const environment = {
  LOG_LEVEL: 'warn',
  DATA_DIR: './.data',
  SPEKE_PORT: '8080',
  DELIVERY_PORT: '8081',
  CONSOLE_PORT: '8082',
  ...process.env,
  PATH: pathWithServers(process.env),
};
environment.DELIVERY_BASE_URL ??= `http://localhost:${environment.DELIVERY_PORT}`;
const children = new Map();
let stopping = false;

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop(0));

environment.NATS_URL ??= await startNats(resolve(environment.DATA_DIR, 'nats'));
for (const name of SERVICES) run(name, process.execPath, [join(ROOT, 'apps', name, 'dist/main.js')]);
await Promise.all(['SPEKE_PORT', 'DELIVERY_PORT', 'CONSOLE_PORT'].map((name) => ready(environment[name])));
if (!stopping) console.log(welcome());

async function startNats(store) {
  const [missing] = installMissing(environment, ['nats-server']);
  if (missing) {
    console.error(`not here: ${missing}, or set NATS_URL`);
    process.exit(1);
  }
  const port = await freePort();
  mkdirSync(store, { recursive: true });
  const log = join(store, 'nats-server.log');
  // What a dozen connections bring is work for one core: on more it wakes its own threads, at up to a tenth of what an exchange costs.
  environment.GOMAXPROCS ??= '1';
  run('nats-server', 'nats-server', ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', store, '-l', log]);
  await until(() => connects(port));
  return `nats://127.0.0.1:${port}`;
}

function run(name, command, args) {
  // A session of its own: Ctrl-C reaches the children through stop(), in order, not from the terminal.
  const child = spawn(command, args, { env: environment, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  children.set(name, child);
  child.on('error', (error) => fail(name, error.message));
  child.on('exit', (code, signal) => {
    children.delete(name);
    if (!stopping) fail(name, `ended with ${signal ?? code}`);
  });
}

function fail(name, why) {
  if (stopping) return;
  console.error(`${name}: ${why}`);
  void stop(1);
}

/** Those who ask end first, the bus last. */
async function stop(code) {
  if (stopping) return;
  stopping = true;
  for (const name of SERVICES.toReversed()) end(name);
  await until(() => [...children.keys()].every((name) => name === 'nats-server'), 10_000);
  for (const name of children.keys()) end(name);
  await until(() => children.size === 0, 5_000);
  for (const child of children.values()) child.kill('SIGKILL');
  process.exit(code);
}

function end(name) {
  children.get(name)?.kill('SIGTERM');
}

function welcome() {
  const [speke, delivery, consoleUrl] = ['SPEKE_PORT', 'DELIVERY_PORT', 'CONSOLE_PORT'].map(
    (name) => `http://localhost:${environment[name]}`,
  );
  const pids = [...children].map(([name, { pid }]) => `${name} ${pid}`);
  return `
Latchkey, one process for each service, on ${environment.NATS_URL}.

  SPEKE                ${speke}/copyProtection
  keys for players     ${delivery}/keys/{tenant}/{contentId}/{kid}
  console              ${consoleUrl}
  data                 ${resolve(environment.DATA_DIR)}
  processes            ${pids.join(', ')}

  curl -s ${speke}/copyProtection -H 'X-Speke-Version: 2.0' -H 'Content-Type: application/xml' --data-binary @docs/examples/four-systems.xml

Ctrl-C stops them.
`;
}

async function ready(port) {
  await until(async () => stopping || (await answersReady(port)), 60_000);
}

async function answersReady(port) {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false; // not listening yet
  }
}

async function until(condition, withinMs = 20_000) {
  const end = Date.now() + withinMs;
  while (!(await condition()) && Date.now() < end) await new Promise((wake) => setTimeout(wake, 50));
}

function freePort() {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}

function connects(port) {
  return new Promise((answer) => {
    const socket = connect(port, '127.0.0.1', () => answer(true)).on('error', () => answer(false));
    socket.on('connect', () => socket.destroy());
  });
}
