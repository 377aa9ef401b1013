import { parseKeyId, parseSystemId } from '@latchkey/cenc';
import { elementsNamed, readSpekeAnswer, readXmlTree, spekeFixture } from '@latchkey/testing';
import { answerSpekeRequest, parseSpekeRequest } from '../src';
import {
  ASKS,
  CLEAR_KEY_AES_128,
  contentKey,
  document,
  drmSystem,
  FAIRPLAY,
  KIDS,
  list,
  period,
  PLAYREADY,
  rule,
  video,
  WIDEVINE,
} from './documents';
import { answer, keyText, parse, partsFor, said } from './exchange';

const [A = '', B = ''] = KIDS;
const oneKey = (system: string, children: string, scheme = 'cenc', version: '2.0' | '2.1' = '2.0') =>
  document({
    version,
    kids: [A],
    scheme,
    drmSystemList: list('DRMSystemList', [drmSystem(A, system, children)]),
  });
const v1 = (name: string) => parseSpekeRequest('1.0', spekeFixture(`v1/${name}.xml`));

async function itemsOf(xml: string, systemId: string): Promise<Record<string, string>> {
  const { systems } = await readSpekeAnswer(xml);
  return Object.fromEntries(systems.find((system) => system.systemId === systemId)?.items ?? []);
}

describe('what is asked for is filled, what means nothing is removed, nothing is added', () => {
  const everything = `<cpix:PSSH> </cpix:PSSH><cpix:ContentProtectionData></cpix:ContentProtectionData><cpix:URIExtXKey/>
    <cpix:HLSSignalingData playlist="media"><!-- here --></cpix:HLSSignalingData><cpix:HLSSignalingData playlist="master"/>
    <cpix:SmoothStreamingProtectionHeaderData/><cpix:HDSSignalingData/>
    <speke:KeyFormat xmlns:speke="urn:aws:amazon:com:speke"/><speke:ProtectionHeader xmlns:speke="urn:aws:amazon:com:speke"/>`;

  test.each([
    [WIDEVINE, 'cenc', ['PSSH', 'ContentProtectionData', 'HLSSignalingData:media', 'HLSSignalingData:master']],
    [
      PLAYREADY,
      'cenc',
      [
        'PSSH',
        'ContentProtectionData',
        'HLSSignalingData:media',
        'HLSSignalingData:master',
        'SmoothStreamingProtectionHeaderData',
      ],
    ],
    [FAIRPLAY, 'cbcs', ['HLSSignalingData:media', 'HLSSignalingData:master']],
    [CLEAR_KEY_AES_128, 'cbc1', ['HLSSignalingData:media', 'HLSSignalingData:master']],
    ['1077efec-c0b2-4d02-ace3-3c1e52e2fb4b', 'cenc', ['PSSH', 'ContentProtectionData']],
    ['e2719d58-a985-b3c9-781a-b030af78d30e', 'cenc', ['ContentProtectionData']],
  ])('SPEKE 2, %s', async (systemId, scheme, items) => {
    const xml = answer(parse(oneKey(systemId, everything, scheme)));
    expect(Object.keys(await itemsOf(xml, systemId))).toEqual(items);
    expect(Object.values(await itemsOf(xml, systemId)).every((text) => Buffer.from(text, 'base64').includes(A))).toBe(
      true,
    );
  });

  test('SPEKE 1’s elements ask for nothing in SPEKE 2', () => {
    const header = '<speke:ProtectionHeader xmlns:speke="urn:aws:amazon:com:speke"/><cpix:URIExtXKey/>';
    expect(parse(oneKey(PLAYREADY, header)).systems[0]?.keys[0]?.wants).toEqual([]);
  });

  test('SPEKE 2 without a child is answered without it', async () => {
    const xml = answer(parse(oneKey(WIDEVINE, '<cpix:PSSH/>')));
    expect(await itemsOf(xml, WIDEVINE)).toEqual({ PSSH: said('pssh', A) });
    expect(await itemsOf(answer(parse(oneKey(WIDEVINE, ''))), WIDEVINE)).toEqual({});
  });

  test('SPEKE 1 for all four systems: what MediaPackage asks of every system', async () => {
    const request = v1('mediapackage_like_aes128');
    expect(request.systems[0]?.keys[0]?.wants.toSorted()).toEqual(['keyFormat', 'keyFormatVersions', 'uriExtXKey']);
    const system = '81376844-f976-481e-a84e-cc25d39b0b33';
    expect(Object.keys(await itemsOf(answer(request), system))).toEqual([
      'KeyFormat',
      'KeyFormatVersions',
      'URIExtXKey',
    ]);
    const four = v1('live_all_four_systems').systems.map(({ keys }) => keys[0]?.wants);
    expect(four).toEqual([
      ['uriExtXKey', 'keyFormat', 'keyFormatVersions'],
      ['uriExtXKey', 'keyFormat', 'keyFormatVersions'],
      ['pssh'],
      ['smoothProtectionHeader', 'pssh'],
    ]);
  });

  test('what a signaling service left out is removed', async () => {
    const request = parse(oneKey(WIDEVINE, ASKS));
    const signaling = new Map([[parseSystemId(WIDEVINE), [{ keyId: parseKeyId(A), pssh: 'AAAA' }]]]);
    expect(await itemsOf(answer(request, { signaling }), WIDEVINE)).toEqual({ PSSH: 'AAAA' });
  });

  test('a single HLSSignalingData is filled; without playlist it is the media playlist; multiVariant is the master', async () => {
    expect(parse(oneKey(WIDEVINE, '<cpix:HLSSignalingData playlist="master"/>')).systems[0]?.keys[0]?.wants).toEqual([
      'hlsMaster',
    ]);
    expect(parse(oneKey(WIDEVINE, '<cpix:HLSSignalingData/>')).systems[0]?.keys[0]?.wants).toEqual(['hlsMedia']);
    const xml = answer(
      parse(oneKey(WIDEVINE, '<cpix:HLSSignalingData playlist="multiVariant"/>', 'cenc', '2.1'), '2.1'),
    );
    expect(await itemsOf(xml, WIDEVINE)).toEqual({ 'HLSSignalingData:multiVariant': said('hlsMaster', A) });
    expect(xml).not.toContain('master"');
  });
});

describe('what was sent comes back', () => {
  test('key IDs and system IDs in their spelling, the lists in their order', async () => {
    const upper = 'ABCDEFAB-0000-4000-8000-00000000000A';
    const xml = answer(
      parse(
        document({
          kids: [upper],
          drmSystemList: list('DRMSystemList', [
            drmSystem(upper.toLowerCase(), WIDEVINE.toUpperCase()),
            drmSystem(upper, PLAYREADY),
          ]),
        }),
      ),
    );
    const root = await readXmlTree(xml);
    const attributes = elementsNamed(root, 'DRMSystem').map((each) => [
      each.attributes.get('kid'),
      each.attributes.get('systemId'),
    ]);
    expect(attributes).toEqual([
      [upper.toLowerCase(), WIDEVINE.toUpperCase()],
      [upper, PLAYREADY],
    ]);
    expect(elementsNamed(root, 'ContentKey')[0]?.attributes.get('kid')).toBe(upper);
  });

  test('the encryptor’s explicitIV, byte for byte, also where its base64 is not canonical', async () => {
    const iv = 'L6jzdXrXAFbCJGBuMrrKrG==';
    const request = parse(
      document({ kids: [A], contentKeyList: list('ContentKeyList', [contentKey(A, 'cenc', `explicitIV="${iv}"`)]) }),
    );
    expect(Buffer.from(request.keys[0]?.explicitIv ?? '', 'base64')).toHaveLength(16);
    expect((await readSpekeAnswer(answer(request))).keys[0]?.explicitIv).toBe(iv);
  });

  test('attributes, names, foreign elements and text with markup in it', async () => {
    const xml = answer(
      parse(
        document({
          root: 'name="a &amp; &quot;b&quot; &lt;c&gt;&#10;é&#x1F511;" contentId="x/../&#9;y" version="2.3"',
          namespaces: 'xmlns:x="urn:x" xmlns:cenc2="urn:mpeg:cenc:2013"',
          drmSystemList: list('DRMSystemList', [
            drmSystem(A, WIDEVINE, `${ASKS}<x:Y a="1">1 &lt; 2<x:Z/></x:Y>`, 'name="W" x:n="2"'),
            drmSystem(B, WIDEVINE),
          ]),
        }),
      ),
    );
    const root = await readXmlTree(xml);
    expect(root.attributes.get('name')).toBe('a & "b" <c>\né\u{1f511}');
    expect(root.attributes.get('contentId')).toBe('x/../\ty');
    const [system] = elementsNamed(root, 'DRMSystem');
    expect([system?.attributes.get('name'), system?.attributes.get('n')]).toEqual(['W', '2']);
    const [foreign] = elementsNamed(root, 'Y');
    expect([foreign?.uri, foreign?.text, foreign?.children[0]?.name]).toEqual(['urn:x', '1 < 2', 'Z']);
  });

  test('in any prefix, as the customary ones, cpix and pskc declared on the root', () => {
    const xml = answer(
      parse(document().replaceAll('cpix:', 'q:').replace('xmlns:q', 'xmlns:q').replace('xmlns:cpix', 'xmlns:q')),
    );
    expect(xml).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<cpix:CPIX [^>]*xmlns:cpix="urn:dashif:org:cpix" xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc">/,
    );
    expect(xml).not.toContain('q:');
  });

  test('each key once, its PlainValue without attributes or white space', () => {
    const xml = answer(parse(document()));
    for (const kid of KIDS.slice(0, 2)) {
      expect(xml.split(`<pskc:PlainValue>${keyText(kid)}</pskc:PlainValue>`)).toHaveLength(2);
    }
    expect(xml.match(/<pskc:Secret>/g)).toHaveLength(2);
  });

  test('the same request has the same answer', () => {
    expect(answer(parse(document()))).toBe(answer(parse(document())));
  });
});

describe('SPEKE 2 answers carry nothing of SPEKE 1', () => {
  const speke = 'urn:aws:amazon:com:speke';
  test('neither its namespace, used or not, nor CPIX@id', () => {
    const xml = answer(
      parse(
        document({
          root: 'id="i" contentId="c" version="2.3"',
          namespaces: `xmlns:speke="${speke}" xmlns:x="urn:x" speke:a="1"`,
          drmSystemList: list('DRMSystemList', [
            drmSystem(A, WIDEVINE, `${ASKS}<speke:KeyFormat/><x:E><speke:In speke:b="2"/></x:E>`),
            drmSystem(B, WIDEVINE),
          ]),
        }),
      ),
    );
    expect(xml).not.toContain('speke');
    expect(xml).not.toContain(' id=');
    expect(xml).toContain('<x:E/>');
  });
  test('SPEKE 1 keeps both', () => {
    const xml = answer(v1('live_hls_aes128'));
    expect(xml).toContain(`xmlns:speke="${speke}"`);
    expect(xml).toContain('<speke:KeyFormat>');
    expect(xml).toMatch(/<cpix:CPIX id="/);
  });
});

describe('explicitIV', () => {
  test.each([
    ['cbcs', WIDEVINE, true],
    ['cbcs', FAIRPLAY, true],
    ['cenc', WIDEVINE, false],
    ['cbc1', CLEAR_KEY_AES_128, false],
  ])('%s for %s: needed %s', async (scheme, system, needed) => {
    const request = parse(oneKey(system, ASKS, scheme));
    expect(request.keys[0]?.needsExplicitIv).toBe(needed);
    const { explicitIv } = (await readSpekeAnswer(answer(request))).keys[0]!;
    expect(explicitIv !== undefined).toBe(needed);
    expect(explicitIv).not.toBe(keyText(A));
  });
  test('in SPEKE 1 for FairPlay', () => {
    expect(v1('vod_hls_fairplay').keys[0]?.needsExplicitIv).toBe(true);
    expect(v1('live_hls_aes128').keys[0]?.needsExplicitIv).toBe(false);
  });
  test('an IV that was not asked for is not added', async () => {
    const request = parse(oneKey(WIDEVINE, ASKS));
    const keys = partsFor(request).keys.map((key) => ({ ...key, explicitIv: 'AAAAAAAAAAAAAAAAAAAAAA==' }));
    expect((await readSpekeAnswer(answer(request, { keys }))).keys[0]?.explicitIv).toBeUndefined();
  });
});

test('another key ID is answered everywhere: keys, systems, rules', async () => {
  const other = parseKeyId('99999999-0000-4000-8000-000000000000');
  const request = parse(document());
  const xml = answerSpekeRequest(request, partsFor(request, new Map([[parseKeyId(A), other]])));
  expect(xml).not.toContain(A.replace('-0000-4000-8000-000000000000', '-0000-4000'));
  const root = await readXmlTree(xml);
  for (const name of ['ContentKey', 'DRMSystem', 'ContentKeyUsageRule']) {
    expect([name, ...elementsNamed(root, name).map((each) => each.attributes.get('kid'))]).toEqual([name, other, B]);
  }
  expect((await itemsOf(xml, WIDEVINE))['PSSH']).toBe(said('pssh', other));
});

test('one key ID may be answered for several', async () => {
  const one = parseKeyId('99999999-0000-4000-8000-000000000000');
  const request = parse(document());
  const xml = answerSpekeRequest(request, partsFor(request, new Map([A, B].map((kid) => [parseKeyId(kid), one]))));
  expect((await readSpekeAnswer(xml)).keys.map(({ keyId }) => keyId)).toEqual([one, one]);
});

describe('SPEKE 2.1', () => {
  const tracks = [
    {
      trackType: 'UHD*',
      hdcp: { hlsLevel: 'TYPE-1', outputProtection: '<OutputProtection/>' },
      robustness: { [WIDEVINE.toUpperCase()]: 'HW_SECURE_ALL' },
      hlsAllowedCpc: { [WIDEVINE]: 'com.widevine.alpha:HW' },
    },
    { trackType: '*', hdcp: { hlsLevel: 'NONE' } },
  ];
  const body = (version: '2.0' | '2.1', children = ASKS, inKey = '') =>
    document({
      version,
      kids: [A],
      contentKeyList: list('ContentKeyList', [contentKey(A, 'cenc', '', inKey)]),
      drmSystemList: list('DRMSystemList', [drmSystem(A, WIDEVINE, children)]),
      usageRuleList: list('ContentKeyUsageRuleList', [rule(A, 'UHD1', video('minPixels="2073601"'))]),
    });

  test('the policy of the track type: HDCPData before Data, robustness, HLSAllowedCPC', async () => {
    const root = await readXmlTree(answer(parse(body('2.1'), '2.1'), { tracks }));
    const [key] = elementsNamed(root, 'ContentKey');
    expect(key?.children.map(({ name }) => name)).toEqual(['HDCPData', 'Data']);
    expect(elementsNamed(root, 'HDCPData')[0]?.attributes.get('HLSHDCPLevel')).toBe('TYPE-1');
    const protection = elementsNamed(root, 'HDCPOutputProtectionData')[0]?.text ?? '';
    expect(Buffer.from(protection, 'base64').toString()).toBe('<OutputProtection/>');
    expect(elementsNamed(root, 'ContentProtectionData')[0]?.attributes.get('robustness')).toBe('HW_SECURE_ALL');
    expect(elementsNamed(root, 'DRMSystem')[0]?.attributes.get('HLSAllowedCPC')).toBe('com.widevine.alpha:HW');
  });

  test('the first policy that fits', async () => {
    const root = await readXmlTree(answer(parse(body('2.1').replace('UHD1', 'SD'), '2.1'), { tracks }));
    expect(elementsNamed(root, 'HDCPData')[0]?.attributes.get('HLSHDCPLevel')).toBe('NONE');
    expect(elementsNamed(root, 'DRMSystem')[0]?.attributes.has('HLSAllowedCPC')).toBe(false);
  });

  test('SPEKE 2.0 has none of it', () => {
    const xml = answer(parse(body('2.0')), { tracks });
    expect(xml).not.toMatch(/HDCP|robustness|HLSAllowedCPC/);
  });

  test('what the encryptor wrote itself stays; an empty HDCPData without a policy goes', async () => {
    const children = '<cpix:ContentProtectionData robustness="SW"/>';
    const written = parse(body('2.1', children, '<cpix:HDCPData HLSHDCPLevel="TYPE-0"/>'), '2.1');
    for (const policies of [[], tracks]) {
      const sent = await readXmlTree(answer(written, { tracks: policies }));
      expect(elementsNamed(sent, 'HDCPData')[0]?.attributes.get('HLSHDCPLevel')).toBe('TYPE-0');
    }
    const filled = await readXmlTree(answer(parse(body('2.1', children, '<cpix:HDCPData/>'), '2.1'), { tracks }));
    expect(elementsNamed(filled, 'ContentProtectionData')[0]?.attributes.get('robustness')).toBe('SW');
    expect(elementsNamed(filled, 'HDCPData')).toHaveLength(1);
    expect(answer(parse(body('2.1', children, '<cpix:HDCPData/>'), '2.1'))).not.toContain('HDCPData');
  });

  test('an attribute that was left empty for the policy goes when there is none', () => {
    const empty = body('2.1', '<cpix:ContentProtectionData robustness=""/>').replace(
      '<cpix:DRMSystem ',
      '<cpix:DRMSystem HLSAllowedCPC="" ',
    );
    expect(answer(parse(empty, '2.1'))).not.toMatch(/robustness|HLSAllowedCPC/);
    const filled = answer(parse(empty, '2.1'), { tracks });
    expect(filled).toMatch(/HLSAllowedCPC="com.widevine.alpha:HW"[^]*robustness="HW_SECURE_ALL"/);
  });

  test.each([
    ['AES-128', CLEAR_KEY_AES_128, 'cbc1'],
    ['SAMPLE-AES', FAIRPLAY, 'cbcs'],
    ['SAMPLE-AES', WIDEVINE, 'cbcs'],
    ['SAMPLE-AES-CTR', PLAYREADY, 'cenc'],
  ] as const)('the HLS method %s is a scheme for %s: %s', async (hlsMethod, system, scheme) => {
    const request = parse(oneKey(system, ASKS, hlsMethod, '2.1'), '2.1');
    expect(request.keys[0]).toMatchObject({ hlsMethod, scheme, needsExplicitIv: scheme === 'cbcs' });
    expect((await readSpekeAnswer(answer(request))).keys[0]?.scheme).toBe(hlsMethod);
  });

  test('start, end and offsets are echoed', async () => {
    const times = 'start="2026-01-01T00:00:00Z" end="2026-01-01T00:05:00Z"';
    const xml = answer(
      parse(document({ version: '2.1', periodList: list('ContentKeyPeriodList', [period('p', '1', times)]) }), '2.1'),
    );
    const [echoed] = elementsNamed(await readXmlTree(xml), 'ContentKeyPeriod');
    expect(echoed?.attributes.get('start')).toBe('2026-01-01T00:00:00Z');
    expect(echoed?.attributes.get('end')).toBe('2026-01-01T00:05:00Z');
  });
});

describe('parts that do not fit the request are our fault, not the encryptor’s', () => {
  const request = parse(document());
  const parts = partsFor(request);
  test.each([
    ['a key is missing', { keys: parts.keys.slice(1) }],
    [
      'a system answered for one key only',
      { signaling: new Map([...parts.signaling].map(([id, said]) => [id, said.slice(1)])) },
    ],
    [
      'a system answered for another key',
      { signaling: new Map([...parts.signaling].map(([id, said]) => [id, said.toReversed()])) },
    ],
    [
      'encrypted secrets without recipients',
      {
        keys: parts.keys.map((key) => ({
          ...key,
          secret: { kind: 'encrypted' as const, cipherValue: '', valueMac: '' },
        })),
      },
    ],
  ])('%s', (_, wrong) => {
    expect(() => answer(request, wrong)).toThrow(Error);
  });
});
