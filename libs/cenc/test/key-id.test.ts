import fc from 'fast-check';
import {
  isKeyId,
  keyIdBytes,
  keyIdFromBytes,
  keyIdGuidBytes,
  parseExplicitIv,
  parseKeyId,
  parseSystemId,
  SYSTEM_IDS,
} from '../src';

test('is lower case whatever was sent, and need not be an RFC 4122 UUID', () => {
  expect(parseKeyId('ABCDEFAB-CDEF-ABCD-EFAB-CDEFABCDEFAB')).toBe('abcdefab-cdef-abcd-efab-cdefabcdefab');
  expect(parseKeyId('ffffffff-ffff-ffff-ffff-ffffffffffff')).toBe('ffffffff-ffff-ffff-ffff-ffffffffffff');
});

test.each([
  '',
  '{0f083e4e-b831-4a3d-9ef1-23be6a4cf5d3}',
  '0f083e4eb8314a3d9ef123be6a4cf5d3',
  '0f083e4e-b831-4a3d-9ef1-23be6a4cf5d3 ',
  '0f083e4e-b831-4a3d-9ef1-23be6a4cf5dg',
  '0f083e4eb-831-4a3d-9ef1-23be6a4cf5d3',
  '０f083e4e-b831-4a3d-9ef1-23be6a4cf5d3',
  'Dwg+TrgxSj2e8SO+akz10w==',
])('%j is none', (text) => {
  expect(() => parseKeyId(text)).toThrow(expect.objectContaining({ code: 'INVALID_KEY_ID' }));
  expect(() => parseSystemId(text)).toThrow(expect.objectContaining({ code: 'INVALID_SYSTEM_ID' }));
});

// Microsoft's PlayReady header specification: the GUID's first three fields are little-endian.
test('in Microsoft’s order the first three fields are reversed', () => {
  const keyId = parseKeyId('0f083e4e-b831-4a3d-8000-112233445566');
  expect(keyIdBytes(keyId).toString('hex')).toBe('0f083e4eb8314a3d8000112233445566');
  expect(keyIdGuidBytes(keyId).toString('hex')).toBe('4e3e080f31b83d4a8000112233445566');
});

test('any 16 bytes are one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const keyId = keyIdFromBytes(bytes);
      expect(isKeyId(keyId)).toBe(true);
      expect(keyIdBytes(keyId)).toEqual(Buffer.from(bytes));
      expect(parseKeyId(keyId.toUpperCase())).toBe(keyId);
    }),
  );
});

test('an explicit IV is 16 bytes', () => {
  expect(parseExplicitIv(Buffer.alloc(16, 1))).toEqual(Buffer.alloc(16, 1));
  expect(() => parseExplicitIv(Buffer.alloc(8))).toThrow(
    expect.objectContaining({ code: 'INVALID_INITIALIZATION_VECTOR' }),
  );
});

test('the systems that are signaled have different IDs', () => {
  expect(new Set(Object.values(SYSTEM_IDS)).size).toBe(Object.keys(SYSTEM_IDS).length);
});
