import type { LedgerStore } from '../ledger/ledger-store';
import type { KeptRecords } from './kept-records';

export interface MonitorStores {
  readonly ledger: LedgerStore;
  /** A room of its own for each part that remembers. */
  kept<T>(name: 'rotation' | 'deliveries' | 'runs'): KeptRecords<T>;
  close(): Promise<void>;
}
