// Starts what is measured, each as it would run: processes of their own, from dist/, on a fresh data folder.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** One process. `processes` maps names to pids, for CPU times. */
export async function startStandalone(environment = {}) {
  const data = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  const { urls, variables } = await doors(data);
  // As `npm start` does: with more room for what dies young, the collector has a tenth less to do.
  const child = node(['--max-semi-space-size=64', 'apps/standalone/dist/main.js'], { ...variables, ...environment });
  await said(child, /one-machine mode/);
  return { ...urls, processes: new Map([['standalone', child.pid]]), stop: () => end(child, data) };
}

/** A process for each service, and a nats-server. */
export async function startServices(environment = {}) {
  const data = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  const { urls, variables } = await doors(data);
  const child = node(['tools/services.mjs'], { ...variables, ...environment });
  const [, list] = await said(child, /processes\s+(.*)/);
  const processes = new Map(
    list.split(', ').map((each) => {
      const [name, pid] = each.split(' ');
      return [name, Number(pid)];
    }),
  );
  return { ...urls, processes, stop: () => end(child, data) };
}

/** The route to compare with. */
export async function startBare() {
  const child = node(['bench/bare.mjs'], {});
  const [url] = await said(child, /http:\S+/);
  return { url, processes: new Map([['bare', child.pid]]), stop: () => end(child) };
}

async function doors(data) {
  const [speke, delivery, monitor] = await Promise.all([freePort(), freePort(), freePort()]);
  return {
    urls: { spekeUrl: `http://127.0.0.1:${speke}`, deliveryUrl: `http://127.0.0.1:${delivery}` },
    variables: {
      NODE_ENV: 'production',
      LOG_LEVEL: 'warn',
      DATA_DIR: data,
      SPEKE_PORT: String(speke),
      DELIVERY_PORT: String(delivery),
      CONSOLE_PORT: String(monitor),
    },
  };
}

function node(args, variables) {
  const env = { ...process.env, ...variables };
  return spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
}

function said(child, pattern) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const match = pattern.exec(text);
      if (match) resolve(match);
    });
    child.on('exit', (code) => reject(new Error(`${child.spawnargs[1]} ended with ${code}\n${text}`)));
  });
}

async function end(child, data) {
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await gone;
  if (data) rmSync(data, { recursive: true, force: true });
}

function freePort() {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}
