import { keyImported, keyIssued, keyReissued, keyReleased, keyRevoked, keyTampered } from '@latchkey/messages';
import { instruments } from '@latchkey/runtime';
import type { AuditRecord } from './audit-log';

/** What a record says of keys, whatever it is that happened to them. */
interface Told {
  readonly tenant: string;
  readonly keys?: readonly unknown[];
  readonly keyIds?: readonly unknown[];
}

const COUNTERS = new Map([
  [keyIssued.type as string, instruments.keysIssued],
  [keyReissued.type, instruments.keysReissued],
  [keyReleased.type, instruments.keysReleased],
  [keyImported.type, instruments.keysImported],
  [keyRevoked.type, instruments.keysRevoked],
  [keyTampered.type, instruments.keysTampered],
]);

/** Counts the keys that durable records tell of. Refusals are counted at the doors that refuse. */
export function countKeys(records: readonly AuditRecord[]): void {
  for (const { event } of records) {
    const counter = event && COUNTERS.get(event.type);
    if (!counter) continue;
    const { tenant, keys, keyIds = [] } = (event as unknown as { data: Told }).data;
    counter.add((keys ?? keyIds).length, { tenant });
  }
}
