/** Readers that share nothing with the code under test. */
export interface ReadObject {
  readonly records: Array<{ type: number; value: Buffer }>;
}

/** Strict: every length is exact. PlayReady Header Specification, 2. */
export function readPlayReadyObject(bytes: Buffer): ReadObject {
  if (bytes.readUInt32LE(0) !== bytes.length) throw new Error('the length is not that of the object');
  const records: Array<{ type: number; value: Buffer }> = [];
  let at = 6;
  for (let left = bytes.readUInt16LE(4); left > 0; left--) {
    const length = bytes.readUInt16LE(at + 2);
    records.push({ type: bytes.readUInt16LE(at), value: bytes.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  if (at !== bytes.length) throw new Error('the records do not fill the object');
  return { records };
}

export function headerOf(object: Buffer): string {
  const header = readPlayReadyObject(object).records.find((record) => record.type === 1);
  return header?.value.toString('utf16le') ?? '';
}

/** The data of a pssh box of version 0. */
export function dataOf(box: Buffer): Buffer {
  return box.subarray(32, 32 + box.readUInt32BE(28));
}

/** A GUID in Microsoft order, as text. */
export function guidText(base64: string): string {
  const hex = Buffer.from(base64, 'base64').toString('hex');
  const swapped = (from: number, to: number) => (hex.slice(from, to).match(/../g) ?? []).toReversed().join('');
  return [swapped(0, 8), swapped(8, 12), swapped(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
