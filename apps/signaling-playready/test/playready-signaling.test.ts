import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseKeyId, PROTECTION_SCHEMES, SYSTEM_IDS, type ProtectionScheme } from '@latchkey/cenc';
import { SIGNALING_ITEMS, type KeyToSignal, type SignalingRequest } from '@latchkey/messages';
import { tenantSchema } from '@latchkey/tenants';
import fc from 'fast-check';
import { parseStringPromise } from 'xml2js';
import { playReadyObject } from '../src/playready-object';
import { signalPlayReady } from '../src/playready-signaling';
import { wrmHeader, type WrmHeader } from '../src/wrm-header';
import { dataOf, guidText, headerOf, readPlayReadyObject } from './read-playready';

const KEY_ID = parseKeyId('12ea753c-23e7-bc02-4474-b2b976c43beb');
const OTHER = parseKeyId('6bac8ec3-0ee3-379f-3d21-290b3a2bc9c3');
const CHECKSUM = '/F7B1fH2e0c=';
const OTHER_CHECKSUM = '6ibP40uTOZ0=';

interface Published {
  source: string;
  kind: string;
  base64: string;
  version: string;
  keys: Array<{ keyId: string; algorithm: 'AESCTR' | 'AESCBC'; checksum: string | null }>;
  laUrl: string | null;
  dsId: string | null;
  xml: string;
}

describe('PlayReady header', () => {
  const published = vectors<Published>('published.json').map((vector, at) => ({ ...vector, at }));

  it.each(published)('is wrapped to the published bytes: $at, $source', ({ kind, base64, xml }) => {
    const bytes = Buffer.from(base64, 'base64');
    const object = kind === 'PRO' ? bytes : dataOf(kind === 'pssh v1' ? withoutKeyIds(bytes) : bytes);
    expect(headerOf(object)).toBe(xml);
    expect(playReadyObject(xml)).toEqual(object);
  });

  it.each(published.filter(writable))('is written as published: $at, $source', (vector) => {
    const version = /version="([^"]*)"/.exec(wrmHeader(headerFrom(vector)))?.[1];
    expect(version).toBe(vector.version);
    expect(wrmHeader(headerFrom(vector))).toBe(vector.xml);
  });

  it('lists several AESCTR keys in version 4.2, in the published form', () => {
    const vector = published.find(({ version }) => version === '4.2.0.0') as Published;
    const header = headerFrom(vector);
    const second = { keyId: OTHER, checksum: OTHER_CHECKSUM };
    const listed = `<KID ALGID="AESCTR" CHECKSUM="${OTHER_CHECKSUM}" VALUE="w46sa+MOnzc9ISkLOivJww=="></KID>`;
    expect(wrmHeader({ ...header, keys: [...header.keys, second] }).replace(listed, '')).toBe(vector.xml);
  });

  it('escapes a licence URL once', () => {
    // The sample of AWS's SPEKE 1 documentation is escaped twice: its clients ask for a URL that does not exist.
    const xml = wrmHeader({
      algorithm: 'AESCTR',
      keys: [{ keyId: KEY_ID }],
      laUrl: 'https://a.example/rm.asmx?a=1&b=<2>',
    });
    expect(xml).toContain('<LA_URL>https://a.example/rm.asmx?a=1&amp;b=&lt;2&gt;</LA_URL>');
  });

  it('names optional parts in the order of the specification, and nests custom attributes', () => {
    const xml = wrmHeader({
      algorithm: 'AESCBC',
      keys: [{ keyId: KEY_ID, checksum: CHECKSUM }],
      laUrl: 'https://a.example/la',
      luiUrl: 'https://a.example/lui',
      dsId: 'AAAAAAAAAAAAAAAAAAAAAA==',
      customAttributes: { IIS_DRM_VERSION: '8.1', Vendor: { Asset: 'Tom & Jerry', Empty: '' } },
    });
    expect(xml).toBe(
      '<WRMHEADER xmlns="http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader" version="4.3.0.0"><DATA>' +
        '<PROTECTINFO><KIDS><KID ALGID="AESCBC" VALUE="PHXqEucjArxEdLK5dsQ76w=="></KID></KIDS></PROTECTINFO>' +
        '<LA_URL>https://a.example/la</LA_URL><LUI_URL>https://a.example/lui</LUI_URL>' +
        '<DS_ID>AAAAAAAAAAAAAAAAAAAAAA==</DS_ID>' +
        '<CUSTOMATTRIBUTES><IIS_DRM_VERSION>8.1</IIS_DRM_VERSION>' +
        '<Vendor><Asset>Tom &amp; Jerry</Asset><Empty></Empty></Vendor></CUSTOMATTRIBUTES></DATA></WRMHEADER>',
    );
  });

  it('is refused past 15 KB rather than cut', () => {
    expect(() => playReadyObject('x'.repeat(7_676))).toThrow(RangeError);
    expect(playReadyObject('x'.repeat(7_675))).toHaveLength(15_360);
  });
});

describe('PlayReady signaling', () => {
  const shaka = vectors<{
    keyId: string;
    scheme: ProtectionScheme;
    laUrl: string | null;
    pssh: string;
    hlsMedia: string | null;
  }>('shaka-packager.json').map((vector, at) => ({ ...vector, at }));

  it.each(shaka)('has the bytes of Shaka Packager: $at, $scheme', ({ keyId, scheme, laUrl, pssh, hlsMedia }) => {
    const tenant = { playready: { schemes: PROTECTION_SCHEMES, ...(laUrl ? { laUrl } : {}) } };
    const said = signal([key({ keyId: parseKeyId(keyId), scheme })], tenant).keys[0];
    expect(said?.pssh).toBe(pssh);
    if (hlsMedia) expect(attributes(text(said?.hlsMedia))).toEqual(withoutIv(attributes(hlsMedia)));
  });

  it('carries every field that the tenant and the request give', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 5 }),
        fc.constantFrom('cenc', 'cbcs'),
        fc.webUrl({ withQueryParameters: true }).filter((url) => !/["{}]|&amp;/.test(url)),
        fc.string({ unit: fc.constantFrom('a', '&', '<', '>', '"', "'", 'é', '\r', '\n', '😀') }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        async (keyIds, scheme, laUrl, custom, dsIdBytes) => {
          const dsId = Buffer.from(dsIdBytes).toString('base64');
          const playready = { keyIds: 'all', laUrl, dsId, customAttributes: { Note: custom } };
          const keys = keyIds.map((id) => key({ keyId: parseKeyId(id), scheme, checksum: CHECKSUM }));
          const said = signal(keys, { playready }).keys[0];
          const object = Buffer.from(said?.smoothProtectionHeader ?? '', 'base64');
          expect(readPlayReadyObject(object).records.map(({ type }) => type)).toEqual([1]);

          const header = (await parseStringPromise(headerOf(object), {
            explicitArray: false,
            normalize: false,
          })) as Xml;
          const data = header['WRMHEADER']['DATA'];
          expect(data).toMatchObject({ LA_URL: laUrl, DS_ID: dsId, CUSTOMATTRIBUTES: { Note: custom } });
          expect(readKeys(data)).toEqual(
            [...keyIds].sort().map((keyId) => ({
              keyId,
              algorithm: scheme === 'cenc' ? 'AESCTR' : 'AESCBC',
              checksum: scheme === 'cenc' ? CHECKSUM : undefined,
            })),
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is about its own key by default: 4.0 for cenc with the checksum that key-service sent, 4.3 for cbcs without', () => {
    const keys = [key({ checksum: CHECKSUM }), key({ keyId: OTHER, checksum: OTHER_CHECKSUM })];
    const headers = (scheme: ProtectionScheme) =>
      signal(keys.map((each) => ({ ...each, scheme }))).keys.map((said) =>
        headerOf(Buffer.from(said.smoothProtectionHeader ?? '', 'base64')),
      );
    // Published pairs of key ID and checksum (PallyCon's CPIX sample).
    expect(headers('cenc')[0]).toContain(`<KID>PHXqEucjArxEdLK5dsQ76w==</KID><CHECKSUM>${CHECKSUM}</CHECKSUM>`);
    expect(headers('cenc')[1]).toContain(`<KID>w46sa+MOnzc9ISkLOivJww==</KID><CHECKSUM>${OTHER_CHECKSUM}</CHECKSUM>`);
    for (const header of headers('cenc')) expect(header).toContain('version="4.0.0.0"');
    for (const header of headers('cbcs')) {
      expect(header).toContain('version="4.3.0.0"');
      expect(header).not.toContain('CHECKSUM');
    }
  });

  it('lists on demand all keys of the document in one header, 4.2 for cenc', () => {
    const keys = [key({ checksum: CHECKSUM }), key({ keyId: OTHER, checksum: OTHER_CHECKSUM })];
    const said = signal(keys, { playready: { keyIds: 'all' } }).keys;
    expect(said[0]?.pssh).toBe(said[1]?.pssh);
    expect(headerOf(Buffer.from(said[0]?.smoothProtectionHeader ?? '', 'base64'))).toContain('version="4.2.0.0"');
  });

  it('puts the whole box and the object alone into ContentProtection, as siblings', () => {
    const said = signal([key({})]).keys[0];
    expect(text(said?.contentProtectionData)).toBe(
      `<cenc:pssh xmlns:cenc="urn:mpeg:cenc:2013">${said?.pssh}</cenc:pssh>` +
        `<mspr:pro xmlns:mspr="urn:microsoft:playready">${said?.smoothProtectionHeader}</mspr:pro>`,
    );
    const box = Buffer.from(said?.pssh ?? '', 'base64');
    expect(box.subarray(4, 28).toString('hex')).toBe('7073736800000000' + SYSTEM_IDS.playready.replaceAll('-', ''));
    expect(dataOf(box).toString('base64')).toBe(said?.smoothProtectionHeader);
  });

  it.each([
    ['cenc', 'SAMPLE-AES-CTR'],
    ['cbcs', 'SAMPLE-AES'],
  ] as const)('gives HLS the object, not the box: %s is %s, media and master alike', (scheme, method) => {
    const said = signal([key({ scheme })]).keys[0];
    const attributes =
      `METHOD=${method},URI="data:text/plain;charset=UTF-16;base64,${said?.smoothProtectionHeader}",` +
      'KEYFORMAT="com.microsoft.playready",KEYFORMATVERSIONS="1"';
    expect(text(said?.hlsMedia)).toBe(`#EXT-X-KEY:${attributes}`);
    expect(text(said?.hlsMaster)).toBe(`#EXT-X-SESSION-KEY:${attributes}`);
  });

  it('names the content in a licence URL that asks for it', () => {
    const said = signal([key({})], { playready: { laUrl: 'https://a.example/rm?c={contentId}&t={tenant}' } }).keys[0];
    const header = headerOf(Buffer.from(said?.smoothProtectionHeader ?? '', 'base64'));
    expect(header).toContain('<LA_URL>https://a.example/rm?c=movie%2F1&amp;t=default</LA_URL>');
  });

  it.each([
    ['cens', {}],
    ['cbc1', {}],
    [undefined, { hlsMethod: 'AES-128' }],
  ] as const)('refuses what it cannot do: %s %j', (scheme, more) => {
    expect(() => signal([key({ scheme, ...more })])).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_SCHEME' }));
  });
});

describe('PlayReady test server', () => {
  const seed = vectors<{ source: string; keyId: string; checksum: string }>('test-key-seed.json');
  const tenant = { playready: { testServer: true } };
  const laUrl = (said: { smoothProtectionHeader?: string | undefined } | undefined) =>
    /<LA_URL>(.*)<\/LA_URL>/.exec(headerOf(Buffer.from(said?.smoothProtectionHeader ?? '', 'base64')))?.[1];

  it.each(seed)('signals keys that are from its published seed: $keyId', ({ keyId, checksum }) => {
    const said = (scheme: ProtectionScheme) =>
      signal([key({ keyId: parseKeyId(keyId), checksum, scheme })], tenant).keys[0];
    const service = 'https://test.playready.microsoft.com/service/rightsmanager.asmx';
    expect(laUrl(said('cenc'))).toBe(`${service}?cfg=(kid:${keyId},ckt:aes128bitctr,persist:false,sl:150)`);
    expect(laUrl(said('cbcs'))).toBe(`${service}?cfg=(kid:${keyId},ckt:aes128bitcbc,persist:false,sl:150)`);
  });

  it('refuses to signal keys that it would not license', () => {
    expect(() => signal([key({ checksum: CHECKSUM })], tenant)).toThrow(
      expect.objectContaining({ code: 'PRECONDITION_FAILED', message: expect.stringContaining('test key seed') }),
    );
  });
});

function signal(keys: KeyToSignal[], signaling: object = {}) {
  const request: SignalingRequest = {
    tenant: 'default',
    contentId: 'movie/1',
    systemId: SYSTEM_IDS.playready,
    spekeVersion: '2.0',
    keys,
  };
  return signalPlayReady(request, tenantSchema.parse({ id: 'default', signaling }).signaling);
}

function key(given: Partial<KeyToSignal>): KeyToSignal {
  return { keyId: KEY_ID, scheme: 'cenc', wants: [...SIGNALING_ITEMS], ...given };
}

function headerFrom(vector: Published): WrmHeader {
  const iisVersion = /<IIS_DRM_VERSION>(.*)<\/IIS_DRM_VERSION>/.exec(vector.xml)?.[1];
  return {
    algorithm: vector.keys[0]?.algorithm ?? 'AESCTR',
    keys: vector.keys.map(({ keyId, checksum }) => ({ keyId: parseKeyId(keyId), checksum: checksum ?? undefined })),
    laUrl: vector.laUrl ?? undefined,
    dsId: vector.dsId ?? undefined,
    customAttributes: iisVersion === undefined ? undefined : { IIS_DRM_VERSION: iisVersion },
  };
}

/** Headers of the shape that we write: one key in 4.0 with its protection info, one in 4.3 with the keys first. */
function writable({ version, xml, keys }: Published): boolean {
  return (
    (version === '4.0.0.0' && keys.length === 1 && xml.includes('<KEYLEN>')) ||
    xml.includes('<DATA><PROTECTINFO><KIDS><KID ALGID="AESCBC"')
  );
}

/** As xml2js gives it: text, or elements and attributes by name. */
// oxlint-disable-next-line typescript/no-explicit-any
type Xml = Record<string, any>;

function readKeys(data: Xml) {
  const listed = data['PROTECTINFO']['KIDS']?.['KID'];
  if (!listed) {
    return [{ keyId: guidText(data['KID']), algorithm: data['PROTECTINFO']['ALGID'], checksum: data['CHECKSUM'] }];
  }
  return [listed].flat().map(({ $ }: Xml) => ({
    keyId: guidText($['VALUE']),
    algorithm: $['ALGID'],
    checksum: $['CHECKSUM'],
  }));
}

/** A version 1 box as if it were of version 0. */
function withoutKeyIds(box: Buffer): Buffer {
  const keyIds = 4 + 16 * box.readUInt32BE(28);
  return Buffer.concat([box.subarray(0, 28), box.subarray(28 + keyIds)]);
}

function attributes(tag: string): Map<string, string> {
  return new Map([...tag.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)].map(([, name, value]) => [`${name}`, `${value}`]));
}

/** The packager adds the IV that it has drawn for the file. */
function withoutIv(tag: Map<string, string>): Map<string, string> {
  tag.delete('IV');
  return tag;
}

function text(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString('utf8');
}

function vectors<T>(file: string): T[] {
  return JSON.parse(readFileSync(join(__dirname, 'vectors', file), 'utf8')).vectors;
}
