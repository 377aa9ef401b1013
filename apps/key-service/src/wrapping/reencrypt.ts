import type { KeyStore } from '../store/key-store';
import { contextText, type MasterKey } from './master-key';

export interface Reencrypted {
  /** Rows that now hold another form of their data key. */
  readonly rows: number;
  /** Calls to the master key: one for each data key, however many rows it wraps. */
  readonly dataKeys: number;
}

/**
 * Puts every stored data key under the master key that is current now. The data keys, and so all that they wrap, stay as they are;
 * it may be stopped and run again, and the service may be at work meanwhile. Throws Fault UNAVAILABLE, TAMPERED.
 */
export async function reencryptDataKeys(store: KeyStore, masterKey: MasterKey): Promise<Reencrypted> {
  const done = new Map<string, Buffer>();
  let rows = 0;
  for await (const row of store.wrappedRows()) {
    const context = { tenant: row.tenant, purpose: row.purpose };
    const name = `${contextText(context)}/${row.encryptedDataKey.toString('base64')}`;
    const next = done.get(name) ?? (await masterKey.reencrypt(row.encryptedDataKey, context));
    done.set(name, next);
    // What has changed meanwhile, or is already done, is left as it is.
    if (await store.replaceDataKey(row, next)) rows++;
  }
  return { rows, dataKeys: done.size };
}
