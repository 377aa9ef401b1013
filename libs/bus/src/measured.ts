import { Fault } from '@latchkey/messages';
import { instruments } from '@latchkey/runtime';
import { NoResponders } from './no-responders';

/** Runs one side of a request and records how long it took and how it ended. */
export async function measured<T>(subject: string, side: 'asker' | 'answerer', work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  try {
    const result = await work();
    instruments.busDuration.recordSince(begun, { subject, side, outcome: 'ok' });
    return result;
  } catch (error) {
    const outcome = error instanceof Fault ? error.code : 'INTERNAL';
    instruments.busDuration.recordSince(begun, { subject: labelOf(subject, error), side, outcome });
    throw error;
  }
}

/** Anyone can make up DRM systems to ask for: subjects that nobody answers are one. */
function labelOf(subject: string, error: unknown): string {
  return error instanceof NoResponders ? 'unanswered' : subject;
}
