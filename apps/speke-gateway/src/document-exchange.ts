import type { Deadline } from '@latchkey/bus';
import type { SpekeRequest } from '@latchkey/speke';
import type { Caller } from './caller';
import type { ExchangeReport } from './exchange-report';

/** One request on its way to its answer: what every step of it needs to know. */
export interface DocumentExchange {
  readonly id: string;
  readonly caller: Caller;
  readonly request: SpekeRequest;
  readonly deadline: Deadline;
  /** `performance.now()` when it came. */
  readonly startedAt: number;
  /** What comes of it; each step adds its own. */
  readonly report: ExchangeReport;
}

/** Notes the time that `work` took, whether it came out well or not. */
export async function timed<T>(
  exchange: Pick<DocumentExchange, 'report' | 'startedAt'>,
  name: string,
  work: Promise<T>,
): Promise<T> {
  const from = performance.now();
  try {
    return await work;
  } finally {
    exchange.report.hops.push({
      name,
      startMs: hundredths(from - exchange.startedAt),
      ms: hundredths(performance.now() - from),
    });
  }
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}
