import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { DataKey } from '../src/wrapping/data-key';

describe('data key', () => {
  const aad = Buffer.from('what it is bound to');

  it('opens what it sealed, and nothing of which one bit was changed', () => {
    // promises 15, 16
    const dataKey = new DataKey(randomBytes(32), Buffer.alloc(0));
    const clear = randomBytes(24);
    const box = dataKey.seal(clear, aad);
    expect(dataKey.open(box, aad)).toEqual(clear);
    for (let bit = 0; bit < box.length * 8; bit++) {
      const changed = Buffer.from(box);
      changed[bit >> 3]! ^= 1 << (bit % 8);
      expect(() => dataKey.open(changed, aad)).toThrow(expect.objectContaining({ code: 'TAMPERED' }));
    }
    for (let length = 0; length < box.length; length++) {
      expect(() => dataKey.open(box.subarray(0, length), aad)).toThrow(expect.objectContaining({ code: 'TAMPERED' }));
    }
    expect(() => dataKey.open(box, Buffer.from('something else'))).toThrow(
      expect.objectContaining({ code: 'TAMPERED' }),
    );
  });

  it('zeroes the bytes that it was given, and opens nothing once it is disposed of', () => {
    const plaintext = randomBytes(32);
    const dataKey = new DataKey(plaintext, Buffer.alloc(0));
    expect(plaintext).toEqual(Buffer.alloc(32));
    const box = dataKey.seal(randomBytes(16), aad);
    dataKey.dispose();
    expect(() => dataKey.open(box, aad)).toThrow();
    expect(() => dataKey.seal(randomBytes(16), aad)).toThrow();
  });

  it('does not open a ciphertext that was crafted to open under two data keys', () => {
    // promise 18
    const plaintexts = [randomBytes(32), randomBytes(32)] as const;
    const crafted = opensUnderBoth(encryptionKey(plaintexts[0]), encryptionKey(plaintexts[1]));
    for (const plaintext of plaintexts) {
      // It does open under either, as far as AES-GCM can tell.
      const plain = createDecipheriv('aes-256-gcm', encryptionKey(plaintext), crafted.subarray(0, 12));
      plain.setAuthTag(crafted.subarray(-16));
      plain.update(crafted.subarray(12, -16));
      expect(() => plain.final()).not.toThrow();
    }
    const boxes = plaintexts.map((plaintext) => Buffer.concat([commitment(plaintext), crafted]));
    const [first, second] = plaintexts.map((plaintext) => new DataKey(Buffer.from(plaintext), Buffer.alloc(0)));
    expect(first!.open(boxes[0]!, Buffer.alloc(0))).toHaveLength(32);
    expect(() => second!.open(boxes[0]!, Buffer.alloc(0))).toThrow(expect.objectContaining({ code: 'TAMPERED' }));
    expect(() => first!.open(boxes[1]!, Buffer.alloc(0))).toThrow(expect.objectContaining({ code: 'TAMPERED' }));
  });
});

const derive = (plaintext: Buffer, label: string) =>
  Buffer.from(hkdfSync('sha256', plaintext, Buffer.alloc(0), label, 32));
const encryptionKey = (plaintext: Buffer) => derive(plaintext, 'latchkey wrap v1');
const commitment = (plaintext: Buffer) => derive(plaintext, 'latchkey commitment v1');

/**
 * nonce[12], ciphertext[32], tag[16]: the second block is chosen so that both keys give one tag (J. Len, P. Grubbs and T. Ristenpart,
 * "Partitioning Oracle Attacks", 2021, section 3: AES-GCM commits to no key). GHASH is linear in it.
 */
function opensUnderBoth(first: Buffer, second: Buffer): Buffer {
  const nonce = randomBytes(12);
  const block = toField(randomBytes(16));
  const lengths = 256n;
  const [a, b] = [first, second].map((key) => ({
    hash: toField(encryptBlock(key, Buffer.alloc(16))),
    mask: toField(encryptBlock(key, Buffer.concat([nonce, Buffer.from([0, 0, 0, 1])]))),
  })) as [{ hash: bigint; mask: bigint }, { hash: bigint; mask: bigint }];
  const rest = ({ hash, mask }: { hash: bigint; mask: bigint }) =>
    mask ^ multiply(block, power(hash, 3n)) ^ multiply(lengths, hash);
  const factor = power(a.hash, 2n) ^ power(b.hash, 2n);
  const chosen = multiply(rest(a) ^ rest(b), power(factor, 2n ** 128n - 2n));
  const tag = rest(a) ^ multiply(chosen, power(a.hash, 2n));
  return Buffer.concat([nonce, fromField(block), fromField(chosen), fromField(tag)]);
}

function encryptBlock(key: Buffer, block: Buffer): Buffer {
  return createCipheriv('aes-256-ecb', key, null).update(block);
}

/** GF(2^128) as in NIST SP 800-38D, 6.3: the first bit is the coefficient of x^0. */
function multiply(x: bigint, y: bigint): bigint {
  let product = 0n;
  let v = y;
  for (let bit = 127n; bit >= 0n; bit--) {
    if ((x >> bit) & 1n) product ^= v;
    v = v & 1n ? (v >> 1n) ^ (0xe1n << 120n) : v >> 1n;
  }
  return product;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n << 127n;
  for (let square = base, left = exponent; left > 0n; left >>= 1n, square = multiply(square, square)) {
    if (left & 1n) result = multiply(result, square);
  }
  return result;
}

function toField(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`);
}

function fromField(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
}
