import type { Environment } from './environment';
import type { Logger } from './logger';

/** What a service is given by the process it runs in, alone or with others. */
export interface ServiceContext {
  readonly name: string;
  /** Which of several processes of that name: it is in event sources and audit records. */
  readonly instance: string;
  readonly environment: Environment;
  readonly logger: Logger;
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
