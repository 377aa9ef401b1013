import { parseSystemId } from '@latchkey/cenc';
import { contentKey, document, drmSystem, FAIRPLAY, KIDS, list, PLAYREADY, WIDEVINE } from './documents';
import { codes, parse, refusal } from './exchange';

const [A = '', B = ''] = KIDS;
const systems = (...members: string[]) => document({ drmSystemList: list('DRMSystemList', members) });
const IRDETO = '80a6be7e-1448-4c37-9e70-d5aebe04c8d2';

/** SPEKE 2.0 with MediaPackage's table of systems and schemes. */
describe('schemes', () => {
  const TABLE: Record<string, string[]> = {
    [WIDEVINE]: ['cenc', 'cbcs'],
    [PLAYREADY]: ['cenc', 'cbcs'],
    [FAIRPLAY]: ['cbcs'],
    '3ea8778f-7742-4bf9-b18b-e834b2acbd47': ['cbc1'],
    'be58615b-19c4-4684-88b3-c8c57e99e957': ['cbcs'],
    '1077efec-c0b2-4d02-ace3-3c1e52e2fb4b': ['cenc', 'cens', 'cbc1', 'cbcs'],
    'e2719d58-a985-b3c9-781a-b030af78d30e': ['cenc', 'cens', 'cbc1', 'cbcs'],
  };
  const pairs = Object.entries(TABLE).flatMap(([system, taken]) =>
    ['cenc', 'cens', 'cbc1', 'cbcs'].map((scheme) => [system, scheme, taken.includes(scheme)] as const),
  );
  test.each(pairs)('%s with %s: %s', (system, scheme, taken) => {
    const body = document({ kids: [A], scheme, drmSystemList: list('DRMSystemList', [drmSystem(A, system)]) });
    if (taken) expect(parse(body).systems).toHaveLength(1);
    else
      expect(refusal(body).message).toBe(`ContentKey@commonEncryptionScheme non compatible with DRMSystem ${system}`);
  });
  test('each system is named once, however many keys it has', () => {
    expect(codes(systems(drmSystem(A, FAIRPLAY), drmSystem(B, FAIRPLAY)))).toEqual(['SCHEME_NOT_COMPATIBLE']);
  });
  test('the table can be configured', () => {
    const policy = { schemes: { [parseSystemId(FAIRPLAY)]: ['cenc'] as const } };
    expect(parse(systems(drmSystem(A, FAIRPLAY)), '2.0', { policy }).systems).toHaveLength(1);
  });
  test.each(['CENC', 'cbcs ', 'foo', 'SAMPLE-AES'])('%j is none in SPEKE 2.0', (scheme) => {
    expect(codes(document({ scheme }))).toContain('UNKNOWN_SCHEME');
  });
});

describe('systems', () => {
  test('are listed in the order in which they first stand, with their keys in the order of the document', () => {
    const body = systems(drmSystem(B, PLAYREADY), drmSystem(A, WIDEVINE), drmSystem(A, PLAYREADY));
    expect(parse(body).systems.map(({ systemId, keys }) => [systemId, keys.map(({ keyId }) => keyId)])).toEqual([
      [PLAYREADY, [B, A]],
      [WIDEVINE, [A]],
    ]);
  });
  test.each([
    ['no kid', '<cpix:DRMSystem systemId="edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"/>', 'MISSING_DRM_SYSTEM_KID'],
    ['a kid that is no key', drmSystem(KIDS[4] as string, WIDEVINE), 'UNKNOWN_DRM_SYSTEM_KID'],
    ['no systemId', `<cpix:DRMSystem kid="${A}"/>`, 'MISSING_SYSTEM_ID'],
    ['a systemId that is no UUID', drmSystem(A, 'widevine'), 'INVALID_SYSTEM_ID'],
    ['an unknown systemId', drmSystem(A, IRDETO), 'UNKNOWN_DRM_SYSTEM'],
    ['SPEKE 1’s systemId for AES-128', drmSystem(A, '81376844-f976-481e-a84e-cc25d39b0b33'), 'UNKNOWN_DRM_SYSTEM'],
    [
      'a playlist that is none',
      drmSystem(A, WIDEVINE, '<cpix:HLSSignalingData playlist="Media"/>'),
      'INVALID_PLAYLIST',
    ],
    [
      'a playlist twice',
      drmSystem(A, WIDEVINE, '<cpix:HLSSignalingData/><cpix:HLSSignalingData playlist="media"/>'),
      'DUPLICATE_PLAYLIST',
    ],
    [
      'master and multiVariant',
      drmSystem(
        A,
        WIDEVINE,
        '<cpix:HLSSignalingData playlist="master"/><cpix:HLSSignalingData playlist="multiVariant"/>',
      ),
      'DUPLICATE_PLAYLIST',
    ],
  ])('with %s are refused', (_, element, code) => {
    expect(codes(systems(drmSystem(B, WIDEVINE), element))).toEqual([code]);
  });
  test('the same key and system twice, in whatever case', () => {
    expect(codes(systems(drmSystem(A, WIDEVINE), drmSystem(A.toUpperCase(), WIDEVINE.toUpperCase())))).toEqual([
      'DUPLICATE_DRM_SYSTEM',
    ]);
  });
  test('of other services are known by configuration', () => {
    const body = systems(drmSystem(A, IRDETO, '<cpix:PSSH/><cpix:SmoothStreamingProtectionHeaderData/>'));
    const [system] = parse(body, '2.0', { foreignSystems: [parseSystemId(IRDETO)] }).systems;
    expect(system?.keys[0]?.wants).toEqual(['pssh', 'smoothProtectionHeader']);
    expect(parse(body, '2.0', { policy: { drmSystems: [parseSystemId(IRDETO)] } }).systems).toHaveLength(1);
  });
  test('outside a tenant’s list are refused', () => {
    const rejection = refusal(systems(drmSystem(A, WIDEVINE)), '2.0', {
      policy: { drmSystems: [parseSystemId(FAIRPLAY)] },
    });
    expect(rejection.code).toBe('DRM_SYSTEM_NOT_ALLOWED');
  });
});

describe('content keys', () => {
  const keys = (...members: string[]) => document({ kids: [A], contentKeyList: list('ContentKeyList', members) });
  test.each([
    [
      'an IV of 15 bytes',
      contentKey(A, 'cenc', `explicitIV="${Buffer.alloc(15).toString('base64')}"`),
      'INVALID_EXPLICIT_IV',
    ],
    ['an empty IV', contentKey(A, 'cenc', 'explicitIV=""'), 'INVALID_EXPLICIT_IV'],
    [
      'an IV in hexadecimal',
      contentKey(A, 'cenc', 'explicitIV="0x000102030405060708090a0b0c0d0e0f"'),
      'INVALID_EXPLICIT_IV',
    ],
    [
      'a PlainValue',
      contentKey(
        A,
        'cenc',
        '',
        '<cpix:Data><pskc:Secret><pskc:PlainValue>AAECAwQFBgcICQoLDA0ODw==</pskc:PlainValue></pskc:Secret></cpix:Data>',
      ),
      'KEY_IN_REQUEST',
    ],
  ])('%s', (_, element, code) => {
    const rejection = refusal(keys(element));
    expect(rejection.faults.map((fault) => fault.code)).toEqual([code]);
    expect(JSON.stringify(rejection.faults)).not.toContain('AAECAwQFBgcICQoLDA0ODw==');
  });
  test.each([
    '<cpix:Data/>',
    '<cpix:Data> <pskc:Secret/> </cpix:Data>',
    '<cpix:Data><pskc:Secret><pskc:PlainValue/></pskc:Secret></cpix:Data>',
  ])('the empty placeholder %s is taken', (placeholder) => {
    expect(parse(keys(contentKey(A, 'cenc', '', placeholder))).keys).toHaveLength(1);
  });
  test('64 of them are taken, 65 are not', () => {
    const kids = (count: number) =>
      Array.from({ length: count }, (_, at) => `${String(at).padStart(8, '0')}-0000-4000-8000-000000000000`);
    const body = (count: number) =>
      document({
        kids: kids(count),
        drmSystemList: list('DRMSystemList', [drmSystem(kids(1)[0] as string, WIDEVINE)]),
        usageRuleList: list(
          'ContentKeyUsageRuleList',
          kids(count).map(
            (kid, at) =>
              `<cpix:ContentKeyUsageRule kid="${kid}" intendedTrackType="T${at}"><cpix:VideoFilter/></cpix:ContentKeyUsageRule>`,
          ),
        ),
      });
    expect(parse(body(64)).keys).toHaveLength(64);
    expect(codes(body(65))).toContain('TOO_MANY_KEYS');
  });
});
