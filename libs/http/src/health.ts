import type { FastifyInstance } from 'fastify';
import type { HealthCheck, Logger } from '@latchkey/runtime';

const CHECK_TIMEOUT_MS = 1_000;

export interface Readiness {
  readonly checks: readonly HealthCheck[];
  closing: boolean;
}

/**
 * GET /healthz: the process lives. GET /readyz: it should get requests, which is not so while it is closing or a part
 * that it needs is not there; which part, the log says.
 */
export function routeHealth(fastify: FastifyInstance, readiness: Readiness, logger: Logger): void {
  fastify.get('/healthz', (_, reply) => reply.type('application/json').send('{"status":"ok"}'));
  fastify.get('/readyz', async (_, reply) => {
    const ready = !readiness.closing && (await allWork(readiness.checks, logger));
    return reply
      .status(ready ? 200 : 503)
      .type('application/json')
      .send(ready ? '{"status":"ready"}' : '{"status":"not ready"}');
  });
}

export function isHealthProbe(url: string): boolean {
  return url === '/healthz' || url === '/readyz';
}

async function allWork(checks: readonly HealthCheck[], logger: Logger): Promise<boolean> {
  const results = await Promise.all(checks.map((check) => works(check, logger)));
  return results.every(Boolean);
}

async function works({ name, check }: HealthCheck, logger: Logger): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), CHECK_TIMEOUT_MS);
  });
  try {
    const good = await Promise.race([check(), late]);
    if (!good) logger.warn({ check: name }, 'not ready');
    return good;
  } catch (err) {
    logger.warn({ check: name, err }, 'not ready');
    return false;
  } finally {
    clearTimeout(timer);
  }
}
