import { Fault } from '@latchkey/messages';
import { instruments } from '@latchkey/runtime';
import { NoResponders } from './no-responders';

/** Runs one side of a request and, while somebody wants to know, records how long it took and how it ended. */
export function measured<T>(subject: string, side: 'asker' | 'answerer', work: () => Promise<T>): Promise<T> {
  return instruments.busDuration.on ? timed(subject, side, work) : work();
}

async function timed<T>(subject: string, side: 'asker' | 'answerer', work: () => Promise<T>): Promise<T> {
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
