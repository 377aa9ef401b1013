/**
 * Every way in which a content key could stand in bytes that someone dumped: raw, hex, base64, base64url, each also in
 * Microsoft's GUID order, and base64 of hex.
 */
export function keyForms(key: Buffer): Map<string, Buffer> {
  const orders = { '': key, ' (GUID order)': guidOrder(key) };
  return new Map(
    Object.entries(orders).flatMap(([order, bytes]): [string, Buffer][] => {
      const hex = bytes.toString('hex');
      return [
        [`raw${order}`, bytes],
        [`hex${order}`, Buffer.from(hex)],
        [`HEX${order}`, Buffer.from(hex.toUpperCase())],
        [`uuid${order}`, Buffer.from(hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'))],
        [`base64${order}`, Buffer.from(bytes.toString('base64').replace(/=+$/, ''))],
        [`base64url${order}`, Buffer.from(bytes.toString('base64url'))],
        [`base64 of hex${order}`, Buffer.from(Buffer.from(hex).toString('base64').slice(0, 40))],
        [`JSON array${order}`, Buffer.from([...bytes].join(','))],
      ];
    }),
  );
}

/** Which keys stand in `bytes`, and how. */
export function findKeys(bytes: Buffer, keys: readonly Buffer[]): string[] {
  return keys.flatMap((key) => [...keyForms(key)].filter(([, form]) => bytes.includes(form)).map(([name]) => name));
}

function guidOrder(key: Buffer): Buffer {
  const bytes = Buffer.from(key);
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}
