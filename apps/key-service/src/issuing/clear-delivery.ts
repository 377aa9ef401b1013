import type { Deadline } from '@latchkey/bus';
import { CLEAR_KEY_SYSTEMS, type SystemId } from '@latchkey/cenc';
import type { ContentRows, KeyStore } from '../store/key-store';
import type { ContentName, DeliveryPermit, KeyFacts, StoredKey, StoredPermit } from '../store/stored-key';
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
  { clearDelivery }: KeyFacts,
  permits: ContentRows['permits'],
  now: number,
  deadline: Deadline,
): Promise<boolean> {
  return clearDelivery ?? isPermitted(vault, row, permits.get(row.keyId), now, deadline);
}

/** One that has expired is what is left of a key that was there before under the same ID. */
async function isPermitted(
  vault: KeyVault,
  row: StoredKey,
  permit: StoredPermit | undefined,
  now: number,
  deadline: Deadline,
): Promise<boolean> {
  if (!permit || (permit.expiresAt !== undefined && now >= permit.expiresAt)) return false;
  await vault.checkPermit(row, permit, deadline);
  return true;
}

/**
 * Permits, still to be written, for keys that were made for DRM systems alone and are now asked for with a clear-key system; none for
 * those that have one. Such keys, and no others, cost another call to the store.
 */
export async function missingPermits(
  { store, vault }: { readonly store: KeyStore; readonly vault: KeyVault },
  content: ContentName,
  drmOnly: readonly StoredKey[],
  now: number,
  deadline: Deadline,
): Promise<DeliveryPermit[]> {
  if (drmOnly.length === 0) return [];
  const keyIds = drmOnly.map(({ keyId }) => keyId);
  const { permits } = await store.read(content, [], deadline, keyIds);
  const missing: StoredKey[] = [];
  for (const row of drmOnly)
    if (!(await isPermitted(vault, row, permits.get(row.keyId), now, deadline))) missing.push(row);
  return vault.permit(missing, now, deadline);
}
