import { createDecipheriv, createHmac } from 'node:crypto';
import { ContentKey } from '@latchkey/cenc';
import { encryptForRecipients, type EncryptedSecret } from '../src';
import { newRecipient, openRsa, type Recipient } from '@latchkey/testing';

// RSA keys take their time where the machine is busy.
jest.setTimeout(60_000);

const KEY = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const contentKey = ContentKey.fromBytes(KEY);
let recipients: Recipient[];

beforeAll(async () => {
  recipients = [await newRecipient(), await newRecipient({ modulusLength: 3072 })];
});

const certificates = () => recipients.map(({ certificate }) => certificate);

/** CPIX 2.3, "Key Encryption and Authentication", with the lengths that AWS's encryptors expect. */
test('every recipient opens the same document key of 32 bytes and MAC key of 64', () => {
  const { recipients: keys } = encryptForRecipients(certificates());
  const opened = keys.map(({ documentKey, macKey }, at) => [
    openRsa(recipients[at] as Recipient, documentKey).toString('hex'),
    openRsa(recipients[at] as Recipient, macKey).toString('hex'),
  ]);
  expect(opened[0]?.map((hex) => hex.length / 2)).toEqual([32, 64]);
  expect(opened[1]).toEqual(opened[0]);
  expect(Buffer.from(keys[0]?.documentKey ?? '', 'base64')).toHaveLength(256);
  expect(Buffer.from(keys[1]?.documentKey ?? '', 'base64')).toHaveLength(384);
});

test('a content key is AES-256-CBC of 16 bytes with PKCS #7 padding: 48 bytes with its IV, and 64 of MAC', () => {
  const encryption = encryptForRecipients(certificates());
  const secret = encryption.encrypt(contentKey);
  expect(Buffer.from(secret.cipherValue, 'base64')).toHaveLength(48);
  expect(Buffer.from(secret.valueMac, 'base64')).toHaveLength(64);
  expect(open(encryption.recipients[0]?.documentKey, secret)).toEqual(KEY);
});

test('value MACs are HMAC-SHA512 over the ciphertexts', () => {
  const encryption = encryptForRecipients(certificates());
  const [keys] = encryption.recipients;
  const macKey = openRsa(recipients[0] as Recipient, keys?.macKey ?? '');
  const mac = (base64 = '') => createHmac('sha512', macKey).update(Buffer.from(base64, 'base64')).digest('base64');
  const secret = encryption.encrypt(contentKey);
  expect(secret.valueMac).toBe(mac(secret.cipherValue));
  expect(keys?.documentKeyMac).toBe(mac(keys?.documentKey));
  expect(keys?.macKeyMac).toBe(mac(keys?.macKey));
});

test('each content key has its own IV, each document its own keys', () => {
  const encryption = encryptForRecipients(certificates());
  const ivs = [1, 2, 3].map(() =>
    Buffer.from(encryption.encrypt(contentKey).cipherValue, 'base64').subarray(0, 16).toString('hex'),
  );
  expect(new Set(ivs).size).toBe(3);
  const documentKey = (each: typeof encryption) =>
    openRsa(recipients[0] as Recipient, each.recipients[0]?.documentKey ?? '').toString('hex');
  expect(documentKey(encryption)).not.toBe(documentKey(encryptForRecipients(certificates())));
});

test('known bytes: what the random source gives is what is used, and it is zeroed', () => {
  const drawn: Buffer[] = [];
  const random = (length: number) => {
    const bytes = Buffer.alloc(length, drawn.length + 1);
    drawn.push(bytes);
    return bytes;
  };
  const encryption = encryptForRecipients(certificates(), random);
  expect(drawn.map((bytes) => [bytes.length, bytes.every((byte) => byte === 0)])).toEqual([
    [32, true],
    [64, true],
  ]);
  const { cipherValue } = encryption.encrypt(contentKey);
  const decipher = createDecipheriv('aes-256-cbc', Buffer.alloc(32, 1), Buffer.alloc(16, 3));
  const value = Buffer.from(cipherValue, 'base64');
  expect(value.subarray(0, 16)).toEqual(Buffer.alloc(16, 3));
  expect(Buffer.concat([decipher.update(value.subarray(16)), decipher.final()])).toEqual(KEY);
});

test('one unusable certificate refuses all', async () => {
  const { certificate } = await newRecipient({ modulusLength: 1024 });
  expect(() => encryptForRecipients([...certificates(), certificate])).toThrow(
    expect.objectContaining({ code: 'CERTIFICATE_WEAK' }),
  );
});

function open(documentKey: string | undefined, { cipherValue }: EncryptedSecret): Buffer {
  const value = Buffer.from(cipherValue, 'base64');
  const key = openRsa(recipients[0] as Recipient, documentKey ?? '');
  const decipher = createDecipheriv('aes-256-cbc', key, value.subarray(0, 16));
  return Buffer.concat([decipher.update(value.subarray(16)), decipher.final()]);
}
