import type { Deadline } from '@latchkey/bus';
import { Fault } from '@latchkey/messages';
import type { SpekeRequest } from '@latchkey/speke';
import type { Caller } from './caller';
import type { ExchangeReport, Hop } from './exchange-report';

/** One request on its way to its answer: what every step of it needs to know. */
export interface DocumentExchange {
  readonly id: string;
  readonly caller: Caller;
  readonly request: SpekeRequest;
  readonly deadline: Deadline;
  /** `performance.now()` when it came. */
  readonly startedAt: number;
  /** Keys are read, never made. */
  readonly onlyExisting?: true;
  /** What comes of it; each step adds its own. */
  readonly report: ExchangeReport;
}

/** Notes the time that `work` took, whether it came out well or not. */
export async function timed<T>(
  { report, startedAt }: Pick<DocumentExchange, 'report' | 'startedAt'>,
  name: string,
  work: Promise<T>,
): Promise<T> {
  const from = performance.now();
  const note = (outcome: Hop['outcome']) =>
    report.hops.push({
      name,
      startMs: hundredths(from - startedAt),
      ms: hundredths(performance.now() - from),
      outcome,
    });
  try {
    const done = await work;
    note('ok');
    return done;
  } catch (error) {
    note(isOurs(error) ? 'failed' : 'refused');
    throw error;
  }
}

/** A refusal is the caller's to mend; all else is ours. */
function isOurs(error: unknown): boolean {
  return !(error instanceof Fault) || error.retryable || error.code === 'INTERNAL' || error.code === 'TAMPERED';
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}
