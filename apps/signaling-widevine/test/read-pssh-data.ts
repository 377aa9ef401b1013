/** A reader of protobuf's wire format that shares nothing with the code under test. */
export interface ReadPsshData {
  readonly keyIds: string[];
  readonly fields: Record<string, string | number>;
}

const VARINTS: Record<number, string> = { 1: 'algorithm', 7: 'crypto_period_index', 9: 'protection_scheme' };
const TEXTS: Record<number, string> = { 3: 'provider', 5: 'track_type', 6: 'policy' };

export function readPsshData(data: Buffer): ReadPsshData {
  const keyIds: string[] = [];
  const fields: Record<string, string | number> = {};
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = data.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(value);
    }
  };
  while (at < data.length) {
    const tag = varint();
    const field = tag >> 3;
    if ((tag & 7) === 0) {
      fields[VARINTS[field] ?? `field ${field}`] = varint();
      continue;
    }
    const length = varint();
    const bytes = data.subarray(at, (at += length));
    if (field === 2) keyIds.push(uuid(bytes));
    else if (field === 4) fields['content_id'] = bytes.toString('hex');
    else fields[TEXTS[field] ?? `field ${field}`] = bytes.toString('utf8');
  }
  return { keyIds, fields };
}

function uuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
