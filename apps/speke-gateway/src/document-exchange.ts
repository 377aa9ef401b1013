import type { Deadline } from '@latchkey/bus';
import type { SpekeRequest } from '@latchkey/speke';
import type { Caller } from './caller';

/** One request on its way to its answer: what every step of it needs to know. */
export interface DocumentExchange {
  readonly id: string;
  readonly caller: Caller;
  readonly request: SpekeRequest;
  readonly deadline: Deadline;
  /** Where the time went; each step adds its own. */
  readonly hops: Hop[];
}

export interface Hop {
  readonly name: string;
  readonly ms: number;
}

/** The time that `work` took, whether it came out well or not. */
export async function timed<T>(hops: Hop[], name: string, work: Promise<T>): Promise<T> {
  const from = performance.now();
  try {
    return await work;
  } finally {
    hops.push({ name, ms: Math.round((performance.now() - from) * 100) / 100 });
  }
}
