import { spekeFixture } from '@latchkey/testing';
import { decodePlayReadyObject, decodePssh } from '../src/inspector/decode-signaling';
import { inspectDocument } from '../src/inspector/inspect-document';
import { maskSecrets } from '../src/inspector/mask-secrets';

const KEY = 'AAECAwQFBgcICQoLDA0ODw==';
const KID = '2c4e682b-f369-5b49-b9fd-acf2d8788f60';
const request = spekeFixture('v2/docs_live_three_drms.xml').toString();

describe('masking', () => {
  it.each([
    ['under pskc', `<pskc:PlainValue>${KEY}</pskc:PlainValue>`],
    ['under another prefix or none', `<k:PlainValue>${KEY}</k:PlainValue><PlainValue a="1">${KEY}</PlainValue >`],
    ['in CDATA, in a comment, over lines', `<p:PlainValue><![CDATA[${KEY}]]><!-- ${KEY} -->\n${KEY}\n</p:PlainValue>`],
    ['in a document that ends early', `<a><pskc:PlainValue>${KEY}`],
  ])('hides a key %s', (_, text) => {
    const masked = maskSecrets(text);
    expect(masked).not.toContain(KEY);
    expect(masked.split('\n')).toHaveLength(text.split('\n').length);
  });
});

// promise 9
describe('inspecting a document', () => {
  it('tells of a right request what it wants, and no fault', () => {
    const found = inspectDocument(request);
    expect(found).toMatchObject({ version: '2.0', kind: 'request', contentId: 'abc123', faults: [] });
    expect(found.keys).toEqual([
      expect.objectContaining({ keyId: KID, scheme: 'cbcs', explicitIv: true, key: 'none', trackType: 'VIDEO' }),
      expect.objectContaining({ trackType: 'AUDIO' }),
    ]);
    expect(found.systems.map(({ name }) => name)).toEqual([
      'FairPlay',
      'FairPlay',
      'Widevine',
      'Widevine',
      'PlayReady',
      'PlayReady',
    ]);
    expect(found.periods).toEqual([expect.objectContaining({ index: '1' })]);
  });

  it('names every fault with its place and what helps', () => {
    const { faults } = inspectDocument(
      request.replace(' version="2.3"', '').replace('playlist="media"', 'playlist="mdeia"'),
    );
    expect(faults[0]).toMatchObject({ code: 'MISSING_CPIX_VERSION', path: '/CPIX', line: 2 });
    expect(faults.length).toBeGreaterThan(1);
    for (const { text, fix } of faults) expect([text, fix]).toEqual([expect.any(String), expect.any(String)]);
  });

  it('says of an answer that its key is there, never what it is', () => {
    const data = `<cpix:Data><pskc:Secret><pskc:PlainValue>${KEY}</pskc:PlainValue></pskc:Secret></cpix:Data>`;
    const answer = request.replace(/(<cpix:ContentKey\s[^>]*>)(<\/cpix:ContentKey>)/, `$1${data}$2`);
    expect(answer).toContain(KEY);
    const found = inspectDocument(answer);
    expect(found).toMatchObject({ kind: 'answer', faults: [] });
    expect(found.keys.map(({ key }) => key)).toEqual(['clear (masked)', 'none']);
    expect(JSON.stringify(found)).not.toContain(KEY);
  });

  it.each([
    ['no XML', 'hello', 'NOT_WELL_FORMED'],
    ['a DOCTYPE', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 'DOCTYPE_NOT_ALLOWED'],
    ['another document', '<a/>', 'NOT_CPIX'],
    ['nothing', ' ', 'EMPTY_DOCUMENT'],
  ])('refuses %s as the gateway would', (_, text, code) => {
    expect(inspectDocument(text).faults[0]?.code).toBe(code);
  });

  it('knows SPEKE 1 and 2.1 by their looks', () => {
    expect(inspectDocument(spekeFixture('v1/live_hls_aes128.xml').toString())).toMatchObject({
      version: '1.0',
      faults: [],
    });
    expect(inspectDocument(spekeFixture('v2.1/live_period_start_end.xml').toString())).toMatchObject({
      version: '2.1',
      faults: [],
    });
  });

  it('decodes what is in signaling, and says where it cannot', () => {
    const filled = request
      .replace('<cpix:PSSH></cpix:PSSH>', `<cpix:PSSH>${WIDEVINE_BOX}</cpix:PSSH>`)
      .replace('<cpix:PSSH></cpix:PSSH>', '<cpix:PSSH>AAAA</cpix:PSSH>')
      .replace('playlist="media"></cpix:HLSSignalingData>', `playlist="media">${HLS_LINE}</cpix:HLSSignalingData>`);
    const items = inspectDocument(filled).systems.flatMap((system) => system.items);
    const [good, bad] = items.filter(({ name, decoded, fault }) => name === 'PSSH' && (decoded.length > 0 || fault));
    expect(good?.decoded).toContainEqual({ name: 'provider', value: 'widevine_test' });
    expect(bad?.fault).toContain('It cannot be decoded');
    const line = items.find(({ name, decoded }) => name === 'HLSSignalingData (media)' && decoded.length > 0);
    expect(line?.decoded).toEqual([{ name: 'text', value: expect.stringContaining('#EXT-X-KEY:METHOD=SAMPLE-AES') }]);
  });
});

describe('decoding', () => {
  it('reads a Widevine box: ISO/IEC 23001-7 around WidevinePsshData', () => {
    expect(decodePssh(WIDEVINE_BOX)).toEqual([
      { name: 'box', value: 'pssh, version 0, Widevine' },
      { name: 'system ID', value: 'edef8ba9-79d6-4ace-a3c8-27dcd51d21ed' },
      { name: 'key ID', value: KID },
      { name: 'provider', value: 'widevine_test' },
      { name: 'content ID', value: 'film' },
      { name: 'protection scheme', value: 'cbcs' },
    ]);
  });

  it('reads a PlayReady Object: key IDs in GUID order, the header in UTF-16', () => {
    const header = `<WRMHEADER version="4.3.0.0"><DATA><PROTECTINFO><KIDS><KID ALGID="AESCBC" VALUE="${GUID}"></KID></KIDS></PROTECTINFO></DATA></WRMHEADER>`;
    const value = Buffer.from(header, 'utf16le');
    const head = Buffer.alloc(10);
    head.writeUInt32LE(10 + value.length, 0);
    head.writeUInt16LE(1, 4);
    head.writeUInt16LE(1, 6);
    head.writeUInt16LE(value.length, 8);
    const object = Buffer.concat([head, value]);
    expect(decodePlayReadyObject(object.toString('base64'))).toEqual([
      { name: 'key ID', value: KID },
      { name: 'WRMHEADER', value: header },
    ]);
    object.writeUInt32LE(5, 0);
    expect(() => decodePlayReadyObject(object.toString('base64'))).toThrow('length');
  });
});

/** Field 2 key_id, 3 provider, 4 content_id, 9 protection_scheme, written by hand. */
const WIDEVINE_DATA = Buffer.concat([
  Buffer.from([0x12, 16]),
  Buffer.from(KID.replaceAll('-', ''), 'hex'),
  Buffer.from([0x1a, 13]),
  Buffer.from('widevine_test'),
  Buffer.from([0x22, 4]),
  Buffer.from('film'),
  // 'cbcs' = 0x63626373 as a varint.
  Buffer.from([0x48, 0xf3, 0xc6, 0x89, 0x9b, 0x06]),
]);
const WIDEVINE_BOX = Buffer.concat([
  Buffer.from([0, 0, 0, 32 + WIDEVINE_DATA.length]),
  Buffer.from('pssh'),
  Buffer.alloc(4),
  Buffer.from('edef8ba979d64acea3c827dcd51d21ed', 'hex'),
  Buffer.from([0, 0, 0, WIDEVINE_DATA.length]),
  WIDEVINE_DATA,
]).toString('base64');
const HLS_LINE = Buffer.from(
  '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://abc",KEYFORMAT="com.apple.streamingkeydelivery"',
).toString('base64');
/** The key ID with its first three fields little-endian. */
const GUID = Buffer.from('2b684e2c69f3495bb9fdacf2d8788f60', 'hex').toString('base64');
