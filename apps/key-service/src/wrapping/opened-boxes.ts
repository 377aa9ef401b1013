import { LRUCache } from 'lru-cache';
import type { DataKey } from './data-key';

interface OpenedBox {
  readonly dataKey: DataKey;
  readonly box: Buffer;
  readonly clear: Buffer;
}

/**
 * What was opened lately, for those who ask for the same key again: the other encryptor of a pair, the next endpoint, a retry. Found
 * only by all that it was bound to, under the same data key and in the same box, so that what was changed in the store is opened
 * anew, and fails. It is zeroed when it is pushed out, and with its data key.
 */
export class OpenedBoxes {
  readonly #opened: LRUCache<string, OpenedBox> | undefined;

  /** `max` 0: none is kept. */
  constructor(max: number) {
    if (max > 0) this.#opened = new LRUCache({ max, dispose: ({ clear }) => clear.fill(0) });
  }

  /** The caller zeroes what it gets. Throws Fault TAMPERED for a box that the data key did not make for that data. */
  open(dataKey: DataKey, box: Buffer, additionalData: string): Buffer {
    const known = this.#opened?.get(additionalData);
    if (known && known.dataKey === dataKey && known.box.equals(box)) return copyOf(known.clear);
    const clear = dataKey.open(box, Buffer.from(additionalData));
    this.#opened?.set(additionalData, { dataKey, box: copyOf(box), clear: copyOf(clear) });
    return clear;
  }

  forget(dataKey: DataKey): void {
    for (const [name, opened] of this.#opened?.entries() ?? []) {
      if (opened.dataKey === dataKey) this.#opened?.delete(name);
    }
  }
}

/** Not from Buffer's shared pool: what is zeroed must be ours alone. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.alloc(bytes.length);
  copy.set(bytes);
  return copy;
}
