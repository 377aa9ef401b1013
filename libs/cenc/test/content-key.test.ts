import { inspect } from 'node:util';
import { ContentKey } from '../src';

const BYTES = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');

// promise 9
test('prints as its name wherever it ends up', () => {
  const key = ContentKey.fromBytes(BYTES);
  const printed = [
    String(key),
    `${key as unknown as string}`,
    JSON.stringify({ key }),
    inspect({ deep: [key] }),
    inspect(key, { showHidden: true }),
  ];
  for (const text of printed) {
    expect(text).toContain('[ContentKey]');
    expect(text).not.toMatch(/0001|0, 1, 2|AAEC/);
  }
  expect(Object.keys(key)).toEqual([]);
});

test('its bytes are a copy, reached through expose only', () => {
  const given = Buffer.from(BYTES);
  const key = ContentKey.fromBytes(given);
  given.fill(0xff);
  expect(key.expose((bytes) => bytes.toString('hex'))).toBe(BYTES.toString('hex'));
});

test('dispose zeroes the bytes, also those that somebody kept', () => {
  const key = ContentKey.fromBytes(BYTES);
  const kept = key.expose((bytes) => bytes);
  key.dispose();
  expect(kept.every((byte) => byte === 0)).toBe(true);
});

test.each([0, 8, 15, 17, 32])('%d bytes are no content key', (length) => {
  expect(() => ContentKey.fromBytes(Buffer.alloc(length))).toThrow(
    expect.objectContaining({ code: 'INVALID_CONTENT_KEY' }),
  );
});
