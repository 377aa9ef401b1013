import { CencError } from './error';
import { keyIdFromBytes, type KeyId } from './key-id';
import { parseSystemId, type SystemId } from './system-id';
import { formatUuid, writeUuid } from './uuid';

/**
 * Protection System Specific Header box, ISO/IEC 23001-7 section 8.1.
 * Only version 1 lists key IDs, so only version 1 has the field.
 */
export type PsshBox =
  | { readonly version: 0; readonly systemId: SystemId; readonly data: Uint8Array }
  | { readonly version: 1; readonly systemId: SystemId; readonly keyIds: readonly KeyId[]; readonly data: Uint8Array };

const TYPE = Buffer.from('pssh', 'ascii');

export function encodePsshBox(box: PsshBox): Buffer {
  const listBytes = box.version === 1 ? 4 + 16 * box.keyIds.length : 0;
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + listBytes + 4 + box.data.length);
  bytes.writeUInt32BE(bytes.length, 0);
  bytes.set(TYPE, 4);
  bytes.writeUInt32BE(box.version << 24, 8); // FullBox: version, then 24 bits of flags
  writeUuid(box.systemId, bytes, 12);
  if (box.version === 1) writeKeyIds(box.keyIds, bytes);
  bytes.writeUInt32BE(box.data.length, HEADER_BYTES + listBytes);
  bytes.set(box.data, HEADER_BYTES + listBytes + 4);
  return bytes;
}

/** Size, type, version and flags, system ID. */
const HEADER_BYTES = 4 + 4 + 4 + 16;

function writeKeyIds(keyIds: readonly KeyId[], bytes: Buffer): void {
  let at = bytes.writeUInt32BE(keyIds.length, HEADER_BYTES);
  for (const keyId of keyIds) {
    writeUuid(keyId, bytes, at);
    at += 16;
  }
}

/** Strict: the bytes are exactly one box, or it throws. */
export function parsePsshBox(bytes: Uint8Array): PsshBox {
  const read = byteReader(bytes);
  if (read.uint32() !== bytes.length) throw invalid('its size is not that of the bytes given');
  if (!read.take(4).equals(TYPE)) throw invalid('its type is not pssh');

  const version = read.take(4)[0];
  const systemId = parseSystemId(formatUuid(read.take(16)));
  if (version !== 0 && version !== 1) throw invalid(`its version is ${version}`);

  const keyIds: KeyId[] = [];
  if (version === 1) for (let left = read.uint32(); left > 0; left--) keyIds.push(keyIdFromBytes(read.take(16)));
  const data = read.take(read.uint32());
  if (read.left() > 0) throw invalid('bytes follow its data');

  return version === 1 ? { version, systemId, keyIds, data } : { version, systemId, data };
}

function byteReader(bytes: Uint8Array) {
  const buffer = Buffer.from(bytes);
  let at = 0;
  const take = (length: number) => {
    if (at + length > buffer.length) throw invalid('it ends early');
    return buffer.subarray(at, (at += length));
  };
  return { take, uint32: () => take(4).readUInt32BE(), left: () => buffer.length - at };
}

function invalid(why: string): CencError {
  return new CencError('INVALID_PSSH_BOX', why);
}
