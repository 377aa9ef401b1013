const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Lower-case 8-4-4-4-12 hexadecimal text. Any 128 bits will do: a key ID need not be an RFC 4122 UUID. */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

/** The 16 bytes in text order. */
export function uuidBytes(uuid: string): Buffer {
  return writeUuid(uuid, Buffer.allocUnsafe(16), 0);
}

/** Puts the 16 bytes into `target`. By hand, since boxes are full of them: Buffer's own way takes five times as long. */
export function writeUuid(uuid: string, target: Buffer, at: number): Buffer {
  let next = at;
  for (const digit of FIRST_DIGITS) target[next++] = (digitAt(uuid, digit) << 4) | digitAt(uuid, digit + 1);
  return target;
}

/** Where each byte's two digits begin in 8-4-4-4-12. */
const FIRST_DIGITS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/** A lower-case hexadecimal digit. */
function digitAt(uuid: string, at: number): number {
  const code = uuid.charCodeAt(at);
  return code < 0x3a ? code - 0x30 : code - 0x57;
}

/** The text of 16 bytes in text order. */
export function formatUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
