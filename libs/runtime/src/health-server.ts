import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from './logger';
import type { HealthCheck } from './service';

const CHECK_WITHIN_MS = 1_000;

export interface HealthServerOptions {
  readonly port: number;
  readonly host: string;
  readonly checks: () => readonly HealthCheck[];
  readonly stopping: AbortSignal;
  readonly logger: Logger;
  readonly exposition?: (() => Promise<string>) | undefined;
}

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/** /healthz: the process lives. /readyz: it should be given work. /metrics: for Prometheus. For the inside only. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(request.url ?? '', response, options).catch((err: unknown) => {
      options.logger.error({ err }, 'a health probe failed');
      send(response, 500, 'failed');
    });
  });
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(url: string, response: ServerResponse, options: HealthServerOptions): Promise<void> {
  if (url === '/healthz') return send(response, 200, '{"status":"ok"}');
  if (url === '/readyz') {
    const ready = !options.stopping.aborted && (await allWork(options));
    return send(response, ready ? 200 : 503, ready ? '{"status":"ready"}' : '{"status":"not ready"}');
  }
  if (url === '/metrics' && options.exposition) {
    return send(response, 200, await options.exposition(), 'text/plain; version=0.0.4; charset=utf-8');
  }
  send(response, 404, '{"status":"not found"}');
}

async function allWork({ checks, logger }: HealthServerOptions): Promise<boolean> {
  const results = await Promise.all(checks().map((check) => works(check, logger)));
  return results.every(Boolean);
}

async function works({ name, check }: HealthCheck, logger: Logger): Promise<boolean> {
  try {
    const good = await Promise.race([check(), late()]);
    if (!good) logger.warn({ check: name }, 'not ready');
    return good;
  } catch (err) {
    logger.warn({ check: name, err }, 'not ready');
    return false;
  }
}

function late(): Promise<false> {
  return new Promise((resolve) => setTimeout(resolve, CHECK_WITHIN_MS, false).unref());
}

function send(response: ServerResponse, status: number, body: string, type = 'application/json'): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}

function listen(server: Server, { port, host }: HealthServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
}
