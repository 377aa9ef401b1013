import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePsshBox, parseKeyId, parsePsshBox, parseSystemId, SYSTEM_IDS, type SystemId } from '@latchkey/cenc';
import { SIGNALING_ITEMS, type KeyToSignal, type SignalingRequest } from '@latchkey/messages';
import { tenantSchema } from '@latchkey/tenants';
import fc from 'fast-check';
import { signalClearKey } from '../src/clearkey-signaling';

const KEY_ID = parseKeyId('98ee5596-cd3e-a20d-163a-e382420c6eff');
const OTHER = parseKeyId('18ee5596-cd3e-a20d-163a-e382420c6eff');
const IRDETO = parseSystemId('80a6be7e-1448-4c37-9e70-d5aebe04c8d2');
const BASE = 'https://keys.example';

describe('keys by URL', () => {
  it.each([
    ['HLS AES-128 of SPEKE 1', SYSTEM_IDS.hlsAes128, 'AES-128', undefined],
    ['Clear Key AES-128', SYSTEM_IDS.clearKeyAes128, 'AES-128', 'cbc1'],
    ['Clear Key SAMPLE-AES', SYSTEM_IDS.clearKeySampleAes, 'SAMPLE-AES', 'cbcs'],
  ] as const)('are two tags that agree, and SPEKE 1’s attributes: %s', (_, systemId, method, scheme) => {
    const said = signal(systemId, [key({ scheme })])[0];
    const attributes = `METHOD=${method},URI="${BASE}/keys/default/movie-1/${KEY_ID}",KEYFORMAT="identity",KEYFORMATVERSIONS="1"`;
    expect(text(said?.hlsMedia)).toBe(`#EXT-X-KEY:${attributes}`);
    expect(text(said?.hlsMaster)).toBe(`#EXT-X-SESSION-KEY:${attributes}`);
    expect([said?.uriExtXKey, said?.keyFormat, said?.keyFormatVersions].map(text)).toEqual([
      `${BASE}/keys/default/movie-1/${KEY_ID}`,
      'identity',
      '1',
    ]);
    expect(said).not.toHaveProperty('pssh');
  });

  // promise 33: what the client writes stays data
  it('hold any content ID in one place of the path, from which it is read back as it was', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (contentId) => {
        fc.pre(contentId !== '.' && contentId !== '..');
        const uri = text(signal(SYSTEM_IDS.hlsAes128, [key({ scheme: undefined })], { contentId })[0]?.uriExtXKey);
        const url = new URL(uri);
        expect(url.origin + url.search + url.hash).toBe(BASE);
        const path = url.pathname.split('/');
        expect(path.map(decodeURIComponent)).toEqual(['', 'keys', 'default', contentId, KEY_ID]);
        expect(uri).toMatch(/^[\x21\x23-\x7e]+$/);
      }),
      { examples: [['../../x'], ['a/b?c#d%2e'], ['"quoted"\r\n'], ['%2e%2e'], ['…'], ['a+b c'], ['{kid}'], ['$&']] },
    );
  });

  it.each(['.', '..', '\ud800'])('are refused for a content ID that no URL can hold: %j', (contentId) => {
    expect(() => signal(SYSTEM_IDS.hlsAes128, [key({ scheme: undefined })], { contentId })).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST' }),
    );
  });

  it('take the form that the tenant gives', () => {
    const clearkey = { keyUrl: 'https://cdn.example/k/{kidHex}?t={tenant}&c={contentId}' };
    const said = signal(SYSTEM_IDS.hlsAes128, [key({ scheme: undefined })], {
      contentId: 'a&b',
      signaling: { clearkey },
    })[0];
    expect(text(said?.uriExtXKey)).toBe('https://cdn.example/k/98ee5596cd3ea20d163ae382420c6eff?t=default&c=a%26b');
  });

  it('carry the explicit IV for packagers that copy the tags', () => {
    const keys = [key({ scheme: 'cbc1', explicitIv: Buffer.alloc(16, 7).toString('base64') })];
    const tag = (signaling: object) => text(signal(SYSTEM_IDS.clearKeyAes128, keys, { signaling })[0]?.hlsMedia);
    expect(tag({})).not.toContain('IV=');
    expect(tag({ hlsIv: true })).toContain(`,IV=0x${'07'.repeat(16)},`);
  });

  it.each([
    [SYSTEM_IDS.clearKeyAes128, { scheme: 'cbcs' }, 'Clear Key AES-128 signals cbc1 only, not cbcs'],
    [SYSTEM_IDS.clearKeyAes128, { hlsMethod: 'SAMPLE-AES' }, 'Clear Key AES-128 signals cbc1 only, not cbcs'],
    [SYSTEM_IDS.clearKeySampleAes, { scheme: 'cenc' }, 'Clear Key SAMPLE-AES signals cbcs only, not cenc'],
    [SYSTEM_IDS.clearKeySampleAes, { hlsMethod: 'AES-128' }, 'Clear Key SAMPLE-AES signals cbcs only, not AES-128'],
    [SYSTEM_IDS.common, { hlsMethod: 'AES-128' }, 'W3C common PSSH box has no boxes for AES-128 segments'],
  ] as const)('are refused for a scheme that the system does not have: %s %j', (systemId, given, message) => {
    expect(() => signal(systemId, [key({ scheme: undefined, ...given })])).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_SCHEME', message }),
    );
  });

  it('take SPEKE 2.1’s method in place of the scheme', () => {
    const said = signal(SYSTEM_IDS.clearKeyAes128, [key({ scheme: undefined, hlsMethod: 'AES-128' })])[0];
    expect(text(said?.hlsMedia)).toContain('METHOD=AES-128,');
  });
});

describe('DASH-IF ClearKey', () => {
  it('gives the licence URL in the forms that shaka-player and dash.js read, and in the standard’s', () => {
    const said = signal(SYSTEM_IDS.clearKey, [key({})], { contentId: 'a&b' })[0];
    const url = `${BASE}/clearkey/default/a%26b`;
    expect(text(said?.contentProtectionData)).toBe(
      `<dashif:laurl xmlns:dashif="https://dashif.org/">${url}</dashif:laurl>` +
        `<dashif:Laurl xmlns:dashif="https://dashif.org/CPS">${url}</dashif:Laurl>` +
        `<clearkey:Laurl xmlns:clearkey="http://dashif.org/guidelines/clearKey" Lic_type="EME-1.0">${url}</clearkey:Laurl>`,
    );
    expect(Object.keys(said ?? {})).toEqual(['keyId', 'contentProtectionData']);
  });

  it('escapes a URL for XML', () => {
    const clearkey = { licenseUrl: 'https://a.example/?t={tenant}&c={contentId}' };
    const said = signal(SYSTEM_IDS.clearKey, [key({})], { signaling: { clearkey } })[0];
    expect(text(said?.contentProtectionData)).toContain('>https://a.example/?t=default&amp;c=movie-1<');
  });
});

describe('common pssh', () => {
  it.each(vectors<{ source: string; pssh: string; keyIds: string[] }>('common-pssh.json'))(
    'has the published bytes: $source',
    ({ pssh, keyIds }) => {
      const keys = keyIds.map((keyId) => key({ keyId: parseKeyId(keyId) }));
      const said = signal(SYSTEM_IDS.common, keys, { signaling: { clearkey: { keyIds: 'all' } } });
      const box = parsePsshBox(Buffer.from(pssh, 'base64'));
      const listed = box.version === 1 ? box.keyIds : [];
      // Shaka Packager lists key IDs in an order of its own; ours is theirs, so that each key has the same box.
      const ours = encodePsshBox({ version: 1, systemId: box.systemId, keyIds: [...listed].sort(), data: box.data });
      for (const one of said) expect(one.pssh).toBe(ours.toString('base64'));
      expect(encodePsshBox(box).toString('base64')).toBe(pssh);
    },
  );

  it('lists its own key by default', () => {
    const said = signal(SYSTEM_IDS.common, [key({}), key({ keyId: OTHER })]);
    expect(said.map((one) => parsePsshBox(Buffer.from(one.pssh ?? '', 'base64')))).toEqual(
      [KEY_ID, OTHER].map((keyId) => ({
        version: 1,
        systemId: SYSTEM_IDS.common,
        keyIds: [keyId],
        data: Buffer.alloc(0),
      })),
    );
  });

  it('is prefixed in ContentProtection, or in a default namespace for who asks', () => {
    const said = (psshElement: string) =>
      signal(SYSTEM_IDS.common, [key({})], { signaling: { clearkey: { psshElement } } })[0];
    const { pssh } = said('prefix') ?? {};
    expect(text(said('prefix')?.contentProtectionData)).toBe(
      `<cenc:pssh xmlns:cenc="urn:mpeg:cenc:2013">${pssh}</cenc:pssh>`,
    );
    expect(text(said('default-namespace')?.contentProtectionData)).toBe(
      `<pssh xmlns="urn:mpeg:cenc:2013">${pssh}</pssh>`,
    );
  });
});

describe('systems whose payload is their vendor’s', () => {
  it('get a box that lists the key ID where the tenant wants it', () => {
    const signaling = { keyIdBoxesFor: [IRDETO.toUpperCase()] };
    const said = signal(IRDETO, [key({}), key({ keyId: OTHER })], { signaling });
    expect(parsePsshBox(Buffer.from(said[1]?.pssh ?? '', 'base64'))).toEqual({
      version: 1,
      systemId: IRDETO,
      keyIds: [OTHER],
      data: Buffer.alloc(0),
    });
    expect(text(said[0]?.contentProtectionData)).toContain(`${said[0]?.pssh}</cenc:pssh>`);
    expect(said[0]).not.toHaveProperty('hlsMedia');
  });

  it('are refused by name where it does not', () => {
    expect(() => signal(IRDETO, [key({})])).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_DRM_SYSTEM', message: expect.stringContaining('Irdeto') }),
    );
  });
});

function signal(
  systemId: SystemId,
  keys: KeyToSignal[],
  { contentId = 'movie-1', signaling = {} }: { contentId?: string; signaling?: object } = {},
) {
  const request: SignalingRequest = { tenant: 'default', contentId, systemId, spekeVersion: '2.0', keys };
  const settings = tenantSchema.parse({ id: 'default', signaling }).signaling;
  return signalClearKey({ request, settings, deliveryBaseUrl: BASE }).keys;
}

function key(given: Partial<KeyToSignal>): KeyToSignal {
  return { keyId: KEY_ID, scheme: 'cenc', wants: [...SIGNALING_ITEMS], ...given };
}

function text(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString('utf8');
}

function vectors<T>(file: string): T[] {
  return JSON.parse(readFileSync(join(__dirname, 'vectors', file), 'utf8')).vectors;
}
