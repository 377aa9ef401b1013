import type { Deadline } from '@latchkey/bus';
import { Fault } from '@latchkey/messages';
import { instruments, type Logger } from '@latchkey/runtime';
import { BrokenCircuitError, circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhen } from 'cockatiel';

/** Two attempts of that length are within the two seconds in which a request must be answered. */
export const DEFAULT_ATTEMPT_MS = 800;

/** The SDK's own settings hang on an endpoint that takes requests and never answers. */
export function clientLimits(attemptMs = DEFAULT_ATTEMPT_MS) {
  return {
    maxAttempts: 2,
    requestHandler: { connectionTimeout: attemptMs / 2, requestTimeout: attemptMs, throwOnRequestTimeout: true },
  };
}

/** What DynamoDB says when it is asked too much. */
const THROTTLES = ['ProvisionedThroughputExceededException', 'RequestLimitExceeded', 'ThrottlingException'];

const BREAKER = { failuresInARow: 8, halfOpenAfterMs: 1_000 };

/**
 * Every call to one AWS service: within the deadline, counted, and refused at once while the service has been dead for some
 * calls, so that a dead service does not eat sockets and time.
 */
export class GuardedCalls {
  /** By operation. */
  readonly counts = new Map<string, number>();
  readonly #breaker = circuitBreaker(handleWhen(isOutage), {
    halfOpenAfter: BREAKER.halfOpenAfterMs,
    breaker: new ConsecutiveBreaker(BREAKER.failuresInARow),
  });

  constructor(
    /** What callers are told is not answering. */
    private readonly name: string,
    private readonly part: 'keys' | 'kms',
    private readonly logger: Logger,
  ) {
    this.#breaker.onBreak(() =>
      this.logger.error({ part: this.name }, 'does not answer: refusing at once for a while'),
    );
    this.#breaker.onReset(() => this.logger.info({ part: this.name }, 'answers again'));
    this.#breaker.onStateChange((state) => this.#saw(state));
    this.#saw(this.#breaker.state);
  }

  /**
   * Errors that `expects` accepts come through as they are; anything else becomes Fault UNAVAILABLE, or DEADLINE_EXCEEDED
   * past the deadline.
   */
  async run<T>(
    operation: string,
    deadline: Deadline,
    call: (options: { abortSignal: AbortSignal }) => Promise<T>,
    expects: (error: unknown) => boolean = () => false,
  ): Promise<T> {
    this.counts.set(operation, (this.counts.get(operation) ?? 0) + 1);
    if (deadline.expired) throw new Fault('DEADLINE_EXCEEDED', `no time is left to ask ${this.name}`);
    const begun = performance.now();
    try {
      const abortSignal = AbortSignal.timeout(Math.ceil(deadline.remainingMs));
      const answer = await this.#breaker.execute(() => call({ abortSignal }));
      this.#measure(operation, begun, 'ok');
      return answer;
    } catch (error) {
      const expected = expects(error);
      this.#measure(operation, begun, expected ? 'refused' : 'failed');
      if (this.part === 'keys' && isNamed(error, ...THROTTLES)) instruments.storeThrottles.add(1, { store: 'keys' });
      if (expected) throw error;
      throw this.#fault(operation, error, deadline);
    }
  }

  #measure(operation: string, begun: number, outcome: 'ok' | 'refused' | 'failed'): void {
    if (this.part === 'keys')
      return instruments.storeDuration.recordSince(begun, { store: 'keys', operation, outcome });
    instruments.kmsCalls.add(1, { operation, outcome });
    instruments.kmsDuration.recordSince(begun, { operation, outcome });
  }

  #saw(state: CircuitState): void {
    const open = state === CircuitState.Open || state === CircuitState.Isolated;
    instruments.breakerState.record(open ? 2 : state === CircuitState.HalfOpen ? 1 : 0, { part: this.part });
  }

  #fault(operation: string, cause: unknown, deadline: Deadline): Fault {
    if (!(cause instanceof BrokenCircuitError)) {
      // The name of the error says enough; its message may quote what was sent.
      this.logger.warn({ part: this.name, operation, error: (cause as Error).name }, 'a call failed');
    }
    if (deadline.expired) return new Fault('DEADLINE_EXCEEDED', `${this.name} did not answer in time`, { cause });
    return new Fault('UNAVAILABLE', `${this.name} does not answer`, { cause });
  }
}

/** The service is dead or cut off. Throttling is not: it answers. */
function isOutage(error: unknown): boolean {
  const { name, $fault, $metadata } = error as {
    name?: string;
    $fault?: string;
    $metadata?: { httpStatusCode?: number };
  };
  if (name === 'AbortError' || name === 'TimeoutError') return true;
  return $fault === undefined || ($fault === 'server' && $metadata?.httpStatusCode !== 429);
}

/** An AWS error by its name. */
export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}
