import { readEntry, type LedgerRecord } from './ledger-record';
import type { Found, LedgerStore, Place } from './ledger-store';

export interface ChainPage {
  readonly chain: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly after?: Place | undefined;
  readonly limit: number;
}

/**
 * A part of a chain, the most recent first, by when its records were written: a chain is in that order, so that it needs
 * no index of time.
 */
export async function latestOf(store: LedgerStore, page: ChainPage): Promise<Found[]> {
  const { index: head } = await store.head(page.chain);
  const start = await lastBefore(store, page, head);
  const records = start > 0 ? await store.back(page.chain, start, page.limit) : [];
  const found = records.map((record) => ({ place: placeOf(record), record }));
  return page.from === undefined ? found : found.filter(({ place }) => place.time >= (page.from as string));
}

/** The last record that belongs to the page, by halving; 0: none does. */
async function lastBefore(store: LedgerStore, { chain, to, after }: ChainPage, head: number): Promise<number> {
  if (to === undefined && after === undefined) return head;
  let [low, high] = [0, head];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    // Where a record is missing, the one before it tells.
    const [record] = await store.back(chain, middle, 1);
    if (!record || belongs(placeOf(record), to, after)) low = middle;
    else high = Math.min(record.index, middle) - 1;
  }
  return low;
}

function belongs(place: Place, to: string | undefined, after: Place | undefined): boolean {
  if (to !== undefined && place.time > to) return false;
  if (!after) return true;
  return place.time < after.time || (place.time === after.time && place.id < after.id);
}

/** In one chain the order of places is that of its records; over several, records of one instant have some order. */
function placeOf(record: LedgerRecord): Place {
  const id = `${String(record.index).padStart(12, '0')}@${record.chain}`;
  return { time: writtenAt(record), id };
}

/** Also of a record that was altered: where it stands is told all the same. */
function writtenAt(record: LedgerRecord): string {
  try {
    return readEntry(record).recordedAt;
  } catch {
    return '';
  }
}
