import { configurationLoaded } from '@latchkey/messages';
import { LRUCache } from 'lru-cache';
import type { Witness } from '../event-intake';
import type { LedgerEvent } from '../ledger/ledger-record';

/** A process that was heard of, by its events. */
export interface Instance {
  /** `/latchkey/<service>/<instance>`. */
  readonly source: string;
  readonly lastEventAt: string;
  /** SHA-256 of the tenants, or of the console's access rules, that it has in force: instances of one service should agree. */
  readonly configurationDigest?: string;
  readonly warnings?: readonly string[];
}

export class Instances implements Witness {
  private readonly seen = new LRUCache<string, Instance>({ max: 500, ttl: 86_400_000 });

  recorded({ source, time, type, data }: LedgerEvent): void {
    const known = this.seen.get(source);
    const lastEventAt = known && known.lastEventAt > time ? known.lastEventAt : time;
    const loaded =
      type === configurationLoaded.type
        ? { configurationDigest: String(data['digest']), warnings: data['warnings'] as string[] }
        : {};
    this.seen.set(source, { ...known, source, lastEventAt, ...loaded });
  }

  list(): Instance[] {
    return [...this.seen.values()].sort((a, b) => (a.source < b.source ? -1 : 1));
  }
}
