/** A record of type 1 holds the header: PlayReady Header Specification, 2. */
const HEADER_RECORD = 1;
const PREAMBLE_BYTES = 10;
/** What clients take, of the whole object. */
const MAX_BYTES = 15 * 1024;

/**
 * A PlayReady Object with one record, its header: little-endian length of all (u32), number of records (u16), record type
 * (u16), record length (u16), UTF-16LE text without a byte order mark. Throws RangeError past 15 KB.
 */
export function playReadyObject(header: string): Buffer {
  const length = PREAMBLE_BYTES + 2 * header.length;
  if (length > MAX_BYTES) throw new RangeError(`a PlayReady Object holds at most ${MAX_BYTES} bytes, not ${length}`);
  const bytes = Buffer.allocUnsafe(length);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt16LE(1, 4);
  bytes.writeUInt16LE(HEADER_RECORD, 6);
  bytes.writeUInt16LE(length - PREAMBLE_BYTES, 8);
  bytes.write(header, PREAMBLE_BYTES, 'utf16le');
  return bytes;
}
