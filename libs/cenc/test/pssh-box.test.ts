import fc from 'fast-check';
import {
  encodePsshBox,
  keyIdFromBytes,
  parseKeyId,
  parsePsshBox,
  protectionSchemeCode,
  SYSTEM_IDS,
  type PsshBox,
} from '../src';

/** ISO/IEC 23001-7, 8.1, by hand: size, type, version and flags, system ID, size of the data, data. */
const WIDEVINE_V0 = '0000002470737368' + '00000000' + 'edef8ba979d64acea3c827dcd51d21ed' + '00000004' + '08011210';
/** The common system's box of one key ID has 52 bytes, as browsers make it. */
const COMMON_V1 =
  '0000003470737368' +
  '01000000' +
  '1077efecc0b24d02ace33c1e52e2fb4b' +
  '00000001' +
  '0f083e4eb8314a3d9ef123be6a4cf5d3' +
  '00000000';

test('version 0 carries data', () => {
  const box: PsshBox = { version: 0, systemId: SYSTEM_IDS.widevine, data: Buffer.from('08011210', 'hex') };
  expect(encodePsshBox(box).toString('hex')).toBe(WIDEVINE_V0);
  expect(parsePsshBox(Buffer.from(WIDEVINE_V0, 'hex'))).toEqual(box);
});

test('version 1 lists key IDs', () => {
  const keyIds = [parseKeyId('0f083e4e-b831-4a3d-9ef1-23be6a4cf5d3')];
  const box: PsshBox = { version: 1, systemId: SYSTEM_IDS.common, keyIds, data: Buffer.alloc(0) };
  expect(encodePsshBox(box).toString('hex')).toBe(COMMON_V1);
  expect(parsePsshBox(Buffer.from(COMMON_V1, 'hex'))).toEqual(box);
});

test.each([
  ['empty', ''],
  ['cut', WIDEVINE_V0.slice(0, -2)],
  ['followed by something', `${WIDEVINE_V0}00`],
  ['of another size', WIDEVINE_V0.replace('00000024', '00000025')],
  ['of another type', WIDEVINE_V0.replace('70737368', '6d6f6f66')],
  ['of version 2', WIDEVINE_V0.replace('7073736800', '7073736802')],
  ['of more key IDs than there are', COMMON_V1.replace('0000000' + '10f08', '0000000' + '20f08')],
  ['of four thousand million key IDs', COMMON_V1.replace('00000001' + '0f08', 'ffffffff' + '0f08')],
  ['of more data than there is', WIDEVINE_V0.replace('0000000408', '0000000508')],
  ['to the end of the file', WIDEVINE_V0.replace('00000024', '00000000')],
])('a box that is %s is none', (_, hex) => {
  expect(() => parsePsshBox(Buffer.from(hex, 'hex'))).toThrow(expect.objectContaining({ code: 'INVALID_PSSH_BOX' }));
});

const keyId = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => keyIdFromBytes(bytes));
const data = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const systemId = fc.constantFrom(...Object.values(SYSTEM_IDS));
const box: fc.Arbitrary<PsshBox> = fc.oneof(
  fc.record({ version: fc.constant(0 as const), systemId, data }),
  fc.record({ version: fc.constant(1 as const), systemId, data, keyIds: fc.array(keyId, { maxLength: 9 }) }),
);

test('what is encoded is parsed back', () => {
  fc.assert(fc.property(box, (each) => expect(parsePsshBox(encodePsshBox(each))).toEqual(each)));
});

test('any other bytes are refused, and nothing else is thrown', () => {
  fc.assert(
    fc.property(box, fc.nat(), fc.nat(255), (each, at, value) => {
      const bytes = encodePsshBox(each);
      bytes[at % bytes.length] = value;
      try {
        expect(encodePsshBox(parsePsshBox(bytes)).subarray(0, 8)).toEqual(bytes.subarray(0, 8));
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID_PSSH_BOX' });
      }
    }),
  );
});

test('a scheme is its four characters, big-endian', () => {
  expect([protectionSchemeCode('cenc'), protectionSchemeCode('cbcs')]).toEqual([1_667_591_779, 1_667_392_371]);
});
