import { parseKeyId, SYSTEM_IDS } from '@latchkey/cenc';
import { SIGNALING_ITEMS, type KeyToSignal, type SignalingRequest } from '@latchkey/messages';
import { tenantSchema } from '@latchkey/tenants';
import { signalFairPlay } from '../src/fairplay-signaling';

const KEY_ID = parseKeyId('98ee5596-cd3e-a20d-163a-e382420c6eff');
const IV = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex').toString('base64');

describe('FairPlay signaling', () => {
  it('is two HLS tags that agree, and nothing for DASH', () => {
    const said = signal([key({})], 'kid')[0];
    const attributes =
      'METHOD=SAMPLE-AES,URI="skd://98ee5596-cd3e-a20d-163a-e382420c6eff",' +
      'KEYFORMAT="com.apple.streamingkeydelivery",KEYFORMATVERSIONS="1"';
    expect(text(said?.hlsMedia)).toBe(`#EXT-X-KEY:${attributes}`);
    expect(text(said?.hlsMaster)).toBe(`#EXT-X-SESSION-KEY:${attributes}`);
    expect(Object.keys(said ?? {}).sort()).toEqual([
      'hlsMaster',
      'hlsMedia',
      'keyFormat',
      'keyFormatVersions',
      'keyId',
      'uriExtXKey',
    ]);
  });

  it('says the same to SPEKE 1, attribute by attribute', () => {
    const said = signal([key({ scheme: undefined })], 'kid')[0];
    expect([said?.uriExtXKey, said?.keyFormat, said?.keyFormatVersions].map(text)).toEqual([
      'skd://98ee5596-cd3e-a20d-163a-e382420c6eff',
      'com.apple.streamingkeydelivery',
      '1',
    ]);
  });

  it('is by default MediaPackage’s: the base64 of what a licence server needs to find the key', () => {
    const uri = text(signal([key({})])[0]?.uriExtXKey);
    expect(JSON.parse(text(uri.replace('skd://', '')))).toEqual({ ContentId: 'a "b"/ü', KeyId: KEY_ID, IV });
  });

  it.each([
    ['kid-iv', 'skd://98ee5596-cd3e-a20d-163a-e382420c6eff:000102030405060708090a0b0c0d0e0f'],
    [
      'skd://fps.example/{tenant}/{kidHex}?c={contentId}',
      'skd://fps.example/default/98ee5596cd3ea20d163ae382420c6eff?c=a%20%22b%22%2F%C3%BC',
    ],
    ['skd://{kid}?iv={iv}', 'skd://98ee5596-cd3e-a20d-163a-e382420c6eff?iv=000102030405060708090a0b0c0d0e0f'],
  ])('takes the form that the tenant’s licence server wants: %s', (form, uri) => {
    expect(text(signal([key({})], form)[0]?.uriExtXKey)).toBe(uri);
  });

  it('is about its own key in a document of several', () => {
    const other = parseKeyId('00000000-0000-0000-0000-000000000001');
    const said = signal([key({}), key({ keyId: other })], 'kid');
    expect(said.map(({ keyId, uriExtXKey }) => [keyId, text(uriExtXKey)])).toEqual([
      [KEY_ID, `skd://${KEY_ID}`],
      [other, `skd://${other}`],
    ]);
  });

  it.each(['cenc', 'cens', 'cbc1'] as const)('refuses %s', (scheme) => {
    expect(() => signal([key({ scheme })])).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_SCHEME', message: `FairPlay signals cbcs only, not ${scheme}` }),
    );
  });

  it('takes SPEKE 2.1’s SAMPLE-AES, and no other method', () => {
    const by = (hlsMethod: 'SAMPLE-AES' | 'SAMPLE-AES-CTR') => signal([key({ scheme: undefined, hlsMethod })], 'kid');
    expect(text(by('SAMPLE-AES')[0]?.hlsMedia)).toContain('METHOD=SAMPLE-AES,');
    expect(() => by('SAMPLE-AES-CTR')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_SCHEME' }));
  });

  it('does not make up an IV that it was not given', () => {
    expect(() => signal([key({ explicitIv: undefined })])).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST' }),
    );
    expect(text(signal([key({ explicitIv: undefined })], 'kid')[0]?.uriExtXKey)).toBe(`skd://${KEY_ID}`);
  });

  it('refuses a content ID that no URL can hold', () => {
    expect(() => signal([key({})], 'skd://fps.example/{contentId}', '..')).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', message: 'the content ID ".." cannot stand in a URL' }),
    );
  });
});

function signal(keys: KeyToSignal[], uri?: string, contentId = 'a "b"/ü') {
  const request: SignalingRequest = {
    tenant: 'default',
    contentId,
    systemId: SYSTEM_IDS.fairplay,
    spekeVersion: '2.0',
    keys,
  };
  const signaling = uri === undefined ? {} : { fairplay: { uri } };
  return signalFairPlay(request, tenantSchema.parse({ id: 'default', signaling }).signaling).keys;
}

function key(given: Partial<KeyToSignal>): KeyToSignal {
  return { keyId: KEY_ID, scheme: 'cbcs', explicitIv: IV, wants: [...SIGNALING_ITEMS], ...given };
}

function text(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString('utf8');
}
