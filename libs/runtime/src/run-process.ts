import { z } from 'zod';
import { EnvironmentError, readEnvironment, type Environment } from './environment';
import type { Logger } from './logger';
import { createContext, type RunningService, type ServiceContext } from './service';

/** EX_CONFIG of sysexits.h: starting again will not help. */
const EXIT_CONFIGURATION = 78;
/** A stop that takes longer is cut: orchestrators kill after 10 s or more. */
const STOP_WITHIN_MS = 9_000;

const processEnvironment = z.object({
  /** How long to go on answering after readiness turned false, so that balancers see it first. */
  SHUTDOWN_DELAY_MS: z.coerce.number().int().min(0).max(5_000).default(0),
});

/**
 * A process of its own for one service: starts it, and closes it on SIGTERM or SIGINT within 10 s. A configuration that is
 * wrong is said in its own words and exits 78; an error that nobody caught is logged and ends the process, because what state it is in is unknown.
 */
export async function runProcess(
  name: string,
  start: (context: ServiceContext) => Promise<RunningService>,
  environment: Environment = process.env,
): Promise<void> {
  const stopping = new AbortController();
  const context = createContext(name, environment, stopping.signal);
  exitOnUncaughtErrors(context.logger);
  try {
    const { SHUTDOWN_DELAY_MS } = readEnvironment(processEnvironment, environment);
    const service = await start(context);
    context.logger.info({ url: service.url }, 'started');
    stopOnSignal(async () => {
      stopping.abort();
      await delay(SHUTDOWN_DELAY_MS);
      await service.close();
    }, context.logger);
  } catch (error) {
    refuseToStart(error, context.logger);
  }
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

function refuseToStart(error: unknown, logger: Logger): void {
  if (error instanceof EnvironmentError) {
    process.stderr.write(`${error.message}\n`);
    exit(EXIT_CONFIGURATION, logger);
  } else {
    logger.fatal({ err: error }, 'could not start');
    exit(1, logger);
  }
}

function exit(code: number, logger: Logger): void {
  logger.flush();
  process.exit(code);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
