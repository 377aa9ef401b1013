import pino, { type DestinationStream, type Logger as PinoLogger } from 'pino';
import type { Environment } from './environment';

export type Logger = PinoLogger;

/** JSON lines on standard output at LOG_LEVEL (info). Names under which secrets travel are never written. */
export function createLogger(name: string, environment: Environment, destination?: DestinationStream): Logger {
  return pino(
    { name, level: environment['LOG_LEVEL'] || 'info', base: { service: name } },
    destination as DestinationStream,
  );
}
