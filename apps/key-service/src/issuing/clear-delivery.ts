import type { Deadline } from '@latchkey/bus';
import { CLEAR_KEY_SYSTEMS, type KeyId, type SystemId } from '@latchkey/cenc';
import type { ContentRows, KeyStore } from '../store/key-store';
import { readFacts, type ContentName, type DeliveryPermit, type StoredKey } from '../store/stored-key';
import type { KeyVault } from '../wrapping/key-vault';

/** Whether a key that is asked for these systems is asked for players who get it in the clear. */
export function isForClearDelivery(
  { systems }: { readonly systems?: readonly SystemId[] | undefined },
  request: { readonly systems?: readonly SystemId[] | undefined },
): boolean {
  return (systems ?? request.systems ?? []).some((system) => CLEAR_KEY_SYSTEMS.has(system));
}

/**
 * Whether players may have a key in the clear: because it was made for a clear-key system, or because of a permit. The key must have
 * been unwrapped, or else what its row says counts for nothing. Throws Fault TAMPERED for another key's permit, UNAVAILABLE.
 */
export async function mayBeDelivered(
  vault: KeyVault,
  row: StoredKey,
  permits: ContentRows['permits'],
  now: number,
  deadline: Deadline,
): Promise<boolean> {
  if (readFacts(row).clearDelivery) return true;
  const permit = permits.get(row.keyId);
  // One that has expired is what is left of a key that was there before under the same ID.
  if (!permit || (permit.expiresAt !== undefined && now >= permit.expiresAt)) return false;
  await vault.checkPermit(row, permit, deadline);
  return true;
}

/**
 * Permits for those keys that are wanted for clear delivery and have been kept from it so far. They are still to be written. Only keys
 * that were made for DRM systems alone cost another call to the store.
 */
export async function missingPermits(
  { store, vault }: { readonly store: KeyStore; readonly vault: KeyVault },
  content: ContentName,
  rows: ContentRows['rows'],
  wanted: ReadonlySet<KeyId>,
  now: number,
  deadline: Deadline,
): Promise<DeliveryPermit[]> {
  const drmOnly = keptWithout(rows, wanted);
  if (drmOnly.length === 0) return [];
  const keyIds = drmOnly.map(({ keyId }) => keyId);
  const { permits } = await store.read(content, [], deadline, keyIds);
  const missing: StoredKey[] = [];
  for (const row of drmOnly) if (!(await mayBeDelivered(vault, row, permits, now, deadline))) missing.push(row);
  return vault.permit(missing, now, deadline);
}

/** Those of the wanted keys that say nothing of clear delivery themselves. */
function keptWithout(rows: ContentRows['rows'], wanted: ReadonlySet<KeyId>): StoredKey[] {
  if (wanted.size === 0) return [];
  const kept = [...rows.values()].filter((row) => row.state === 'kept');
  return kept.filter((row) => wanted.has(row.keyId) && !readFacts(row).clearDelivery);
}
