import type { KeptRecords } from './kept-records';

/** How the monitor that ran before ended. Two that run side by side count as one that did not end. */
export interface Run {
  readonly ended: boolean;
}
const KEY = ['monitor'] as const;

/** Marks that one runs; says whether the last one ended in order, or there was none. */
export async function beginRun(runs: KeptRecords<Run>): Promise<boolean> {
  const last = await runs.get(KEY);
  await runs.put(KEY, { ended: false });
  return last?.ended ?? true;
}

export async function endRun(runs: KeptRecords<Run>): Promise<void> {
  await runs.put(KEY, { ended: true });
}
