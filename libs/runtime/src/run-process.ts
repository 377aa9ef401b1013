import { z } from 'zod';
import { instrumentAwsSdk } from './aws-spans';
import { EnvironmentError, port, readEnvironment, type Environment } from './environment';
import { startHealthServer, type HealthServer } from './health-server';
import type { Logger } from './logger';
import { createContext, type RunningService, type ServiceContext } from './service';
import { startTelemetry } from './telemetry';

instrumentAwsSdk(process.env);

/** EX_CONFIG of sysexits.h: starting again will not help. */
const EXIT_CONFIGURATION = 78;
/** A stop that takes longer is cut: orchestrators kill after 10 s or more. */
const STOP_WITHIN_MS = 9_000;

export const processEnvironment = z.object({
  HEALTH_PORT: port.optional().describe('serves /healthz, /readyz and /metrics to the inside'),
  HEALTH_HOST: z.string().default('127.0.0.1').describe('the address that HEALTH_PORT listens on'),
  SHUTDOWN_DELAY_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(5_000)
    .default(0)
    .describe('how long to go on answering after readiness turned false, so that balancers see it first'),
});

type Start = (context: ServiceContext) => Promise<RunningService>;

/**
 * A process of its own for one service: telemetry, health, then the service; on SIGTERM or SIGINT readiness is false, and all is
 * closed in the opposite order within 10 s. A configuration that is wrong is said in its own words and exits 78; an error that
 * nobody caught is logged and ends the process, because what state it is in is unknown.
 */
export async function runProcess(name: string, start: Start, environment: Environment = process.env): Promise<void> {
  const stopping = new AbortController();
  let logger: Logger | undefined;
  try {
    const context = createContext(name, environment, stopping.signal);
    logger = context.logger;
    exitOnUncaughtErrors(logger);
    const { SHUTDOWN_DELAY_MS } = readEnvironment(processEnvironment, environment);
    const running: { close?: () => Promise<void> } = {};
    stopOnSignal(async () => {
      stopping.abort();
      // While it is still starting, nothing is in flight and nobody needs to see it leave.
      if (!running.close) return;
      await delay(SHUTDOWN_DELAY_MS);
      await running.close();
    }, logger);
    running.close = await startAll(context, start, stopping.signal);
  } catch (error) {
    refuseToStart(error, logger);
  }
}

/** Gives what closes all again. The health server answers while the service is still starting: alive, not ready. */
async function startAll(context: ServiceContext, start: Start, stopping: AbortSignal): Promise<() => Promise<void>> {
  const telemetry = await startTelemetry(context.name, context.instance, context.environment);
  let checks: RunningService['checks'] = [{ name: 'started', check: () => false }];
  const health = await serveHealth(context, () => checks, stopping, telemetry.exposition);
  const service = await start(context);
  checks = service.checks;
  context.logger.info({ url: service.url, health: health?.url }, 'started');
  return async () => {
    await service.close();
    await health?.close();
    await telemetry.close();
  };
}

async function serveHealth(
  { environment, logger }: ServiceContext,
  checks: () => RunningService['checks'],
  stopping: AbortSignal,
  exposition: (() => Promise<string>) | undefined,
): Promise<HealthServer | undefined> {
  const { HEALTH_PORT, HEALTH_HOST } = readEnvironment(processEnvironment, environment);
  if (HEALTH_PORT === undefined) return undefined;
  return startHealthServer({ port: HEALTH_PORT, host: HEALTH_HOST, checks, stopping, logger, exposition });
}

function stopOnSignal(stop: () => Promise<void>, logger: Logger): void {
  const onSignal = (signal: NodeJS.Signals) => {
    logger.info({ signal }, 'stopping');
    cutAfter(STOP_WITHIN_MS, logger);
    stop().then(
      () => exit(0, logger),
      (err: unknown) => {
        logger.error({ err }, 'did not stop well');
        exit(1, logger);
      },
    );
  };
  process.once('SIGTERM', onSignal);
  process.once('SIGINT', onSignal);
}

function cutAfter(ms: number, logger: Logger): void {
  setTimeout(() => {
    logger.error(`did not stop within ${ms} ms`);
    exit(1, logger);
  }, ms).unref();
}

function exitOnUncaughtErrors(logger: Logger): void {
  const onError = (err: unknown) => {
    logger.fatal({ err }, 'an error that nobody caught');
    exit(1, logger);
  };
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
}

function refuseToStart(error: unknown, logger: Logger | undefined): void {
  if (error instanceof EnvironmentError || !logger) {
    process.stderr.write(`${(error as Error).message}\n`);
    return exit(EXIT_CONFIGURATION, logger);
  }
  logger.fatal({ err: error }, 'could not start');
  logger.flush();
  const advice = adviceFor(error as SystemError);
  if (advice !== undefined) process.stderr.write(`${advice}\n`);
  exit(1, logger);
}

type SystemError = NodeJS.ErrnoException & { readonly address?: string; readonly port?: number };

/** For a person before the terminal: what the machine refused, and which variables choose another way. */
function adviceFor({ code, message, address, port: taken, path }: SystemError): string | undefined {
  if (code === 'EADDRINUSE') {
    return `${address}:${taken} is taken by another process: end that one, or choose with SPEKE_PORT, DELIVERY_PORT, CONSOLE_PORT or HEALTH_PORT.`;
  }
  return path && `${message}: look at the variable that names this path, DATA_DIR if none does.`;
}

function exit(code: number, logger: Logger | undefined): void {
  logger?.flush();
  process.exit(code);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
