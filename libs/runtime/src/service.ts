import { randomUUID } from 'node:crypto';
import type { Environment } from './environment';
import { createLogger, type Logger } from './logger';

/** What a service is given by the process it runs in, alone or with others. */
export interface ServiceContext {
  readonly name: string;
  /** Which of several processes of that name: it is in event sources and audit records. */
  readonly instance: string;
  readonly environment: Environment;
  readonly logger: Logger;
  /** Aborted when the process has been told to stop: readiness is false from then on, while what is in flight finishes. */
  readonly stopping?: AbortSignal;
}

/** One part that a service cannot work without, e.g. `bus`, `key-store`, `kms`. */
export interface HealthCheck {
  readonly name: string;
  check(): Promise<boolean> | boolean;
}

/** A service at work. `close` finishes what is in flight. */
export interface RunningService {
  readonly name: string;
  /** Where it listens, for HTTP services. */
  readonly url?: string;
  readonly checks: readonly HealthCheck[];
  close(): Promise<void>;
}

/** A context of its own for one service. Instances are random: two processes never write under one name. */
export function createContext(name: string, environment: Environment, stopping?: AbortSignal): ServiceContext {
  const instance = randomUUID().slice(0, 8);
  return {
    name,
    instance,
    environment,
    logger: createLogger(name, environment).child({ instance }),
    ...(stopping && { stopping }),
  };
}
