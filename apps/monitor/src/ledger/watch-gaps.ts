import { instruments, type Logger } from '@latchkey/runtime';
import type { LedgerStore, WriterCount } from './ledger-store';

const EVERY_MS = 60_000;

/** Measures, once a minute, how many numbered audit records have not come. Stops when told. */
export function watchGaps(store: LedgerStore, logger: Logger): () => void {
  const measure = () =>
    countGaps(store).then(
      (gaps) => instruments.ledgerGaps.record(gaps, {}),
      (err: unknown) => logger.warn({ err }, 'gaps in the ledger could not be counted'),
    );
  const timer = setInterval(() => void measure(), EVERY_MS);
  return () => clearInterval(timer);
}

/** Records missing between the first and the last that each writer numbered, in whatever chains they are. */
export async function countGaps(store: LedgerStore): Promise<number> {
  const writers = new Map<string, Pick<WriterCount, 'first' | 'last' | 'count'>>();
  for await (const { writer, first, last, count } of store.writers()) {
    const known = writers.get(writer) ?? { first, last, count: 0 };
    writers.set(writer, {
      first: Math.min(known.first, first),
      last: Math.max(known.last, last),
      count: known.count + count,
    });
  }
  const missing = [...writers.values()].map(({ first, last, count }) => Math.max(0, last - first + 1 - count));
  return missing.reduce((sum, each) => sum + each, 0);
}
