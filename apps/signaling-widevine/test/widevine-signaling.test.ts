import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  encodePsshBox,
  parseKeyId,
  parsePsshBox,
  PROTECTION_SCHEMES,
  SYSTEM_IDS,
  type ProtectionScheme,
} from '@latchkey/cenc';
import { SIGNALING_ITEMS, type KeyToSignal, type SignalingRequest } from '@latchkey/messages';
import { tenantSchema } from '@latchkey/tenants';
import fc from 'fast-check';
import { encodeWidevinePsshData } from '../src/widevine-pssh-data';
import { signalWidevine } from '../src/widevine-signaling';
import { readPsshData } from './read-pssh-data';

const KEY_ID = parseKeyId('12ea753c-23e7-bc02-4474-b2b976c43beb');
const OTHER = parseKeyId('02ea753c-23e7-bc02-4474-b2b976c43beb');

describe('Widevine pssh', () => {
  const shaka = vectors<{
    keyId: string;
    scheme: ProtectionScheme;
    allKeyIds: string[];
    pssh: string;
    hlsMedia: string;
  }>('shaka-packager.json');

  it.each(shaka.map((vector, at) => ({ ...vector, at })))(
    'has the bytes of Shaka Packager: $at, $scheme, $allKeyIds.length keys',
    ({ scheme, allKeyIds, pssh }) => {
      // The packager lists key IDs in an order of its own; ours is theirs, so that each has one place.
      const { keyIds } = readBox(pssh);
      expect([...keyIds].sort()).toEqual([...allKeyIds].sort());
      const data = encodeWidevinePsshData({ keyIds: keyIds.map(parseKeyId), scheme });
      expect(encodePsshBox({ version: 0, systemId: SYSTEM_IDS.widevine, data }).toString('base64')).toBe(pssh);
      if (keyIds.join() !== [...keyIds].sort().join()) return;
      const keys = allKeyIds.map((id) => key({ keyId: parseKeyId(id), scheme }));
      const reply = signalWidevine(request(keys), settings({ keyIds: 'all', schemes: PROTECTION_SCHEMES }));
      expect(reply.keys[0]?.pssh).toBe(pssh);
    },
  );

  it.each(shaka.filter((vector) => vector.hlsMedia).map((vector, at) => ({ ...vector, at })))(
    'says in HLS what Shaka Packager says: $at',
    ({ keyId, scheme, allKeyIds, hlsMedia }) => {
      const said = signalWidevine(request([key({ keyId: parseKeyId(keyId), scheme })]), settings({})).keys[0];
      const [theirs, ours] = [attributes(hlsMedia), attributes(text(said?.hlsMedia))];
      // The packager adds the IV that it has drawn for the file, and its box lists all keys of the asset.
      theirs.delete('IV');
      if (allKeyIds.length > 1) for (const tag of [theirs, ours]) tag.delete('URI');
      expect(ours).toEqual(theirs);
    },
  );

  const published = vectors<{
    source: string;
    pssh: string;
    keyIds: string[];
    fields: Record<string, string | number>;
  }>('published.json');

  it.each(published)('reads as published: $source', ({ pssh, keyIds, fields }) => {
    expect(readPsshData(Buffer.from(parsePsshBox(Buffer.from(pssh, 'base64')).data))).toEqual({ keyIds, fields });
  });

  it.each(published.filter(({ fields }) => writable(fields)))(
    'is written as published: $source',
    ({ pssh, keyIds, fields }) => {
      const contentId =
        fields['content_id'] === undefined ? undefined : Buffer.from(`${fields['content_id']}`, 'hex').toString();
      const data = encodeWidevinePsshData({
        keyIds: keyIds.map(parseKeyId),
        scheme: 'cenc',
        provider: fields['provider'] as string | undefined,
        contentId,
      });
      expect(Buffer.from(data)).toEqual(parsePsshBox(Buffer.from(pssh, 'base64')).data);
    },
  );

  it('carries every field that the tenant and the request give, and no other', () => {
    fc.assert(
      fc.property(
        fc.record(
          {
            contentId: fc.string({ minLength: 1, unit: 'grapheme' }),
            provider: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
            policy: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
            scheme: fc.constantFrom(...PROTECTION_SCHEMES),
            keyId: fc.uuid(),
            index: fc.option(fc.integer({ min: 0, max: 0xffff_ffff }), { nil: undefined }),
            withContentId: fc.boolean(),
          },
          { noNullPrototype: true },
        ),
        ({ contentId, provider, policy, scheme, keyId, index, withContentId }) => {
          const reply = signalWidevine(
            request(
              [key({ keyId: parseKeyId(keyId), scheme, ...(index === undefined ? {} : { period: { index } }) })],
              contentId,
            ),
            settings({ contentId: withContentId, schemes: PROTECTION_SCHEMES, ...defined({ provider, policy }) }),
          );
          const box = parsePsshBox(Buffer.from(reply.keys[0]?.pssh ?? '', 'base64'));
          expect(box).toMatchObject({ version: 0, systemId: SYSTEM_IDS.widevine });
          expect(readPsshData(Buffer.from(box.data))).toEqual({
            keyIds: [keyId],
            fields: {
              ...defined({ provider, policy, crypto_period_index: index }),
              ...(withContentId ? { content_id: Buffer.from(contentId).toString('hex') } : {}),
              protection_scheme: Buffer.from(scheme).readUInt32BE(),
            },
          });
        },
      ),
    );
  });

  it('is about its own key by default, of how many there are in the document', () => {
    const reply = signalWidevine(request([key({}), key({ keyId: OTHER })]), settings({}));
    expect(reply.keys.map((said) => readBox(said.pssh).keyIds)).toEqual([[KEY_ID], [OTHER]]);
  });

  it('lists on demand the keys of the same scheme and period, in one order for all of them', () => {
    const third = parseKeyId('f2ea753c-23e7-bc02-4474-b2b976c43beb');
    const keys = [key({}), key({ keyId: OTHER }), key({ keyId: third, period: { index: 2 } })];
    const reply = signalWidevine(request(keys), settings({ keyIds: 'all' }));
    expect(reply.keys.map((said) => readBox(said.pssh).keyIds)).toEqual([[OTHER, KEY_ID], [OTHER, KEY_ID], [third]]);
    expect(reply.keys[0]?.pssh).toBe(reply.keys[1]?.pssh);
  });
});

describe('Widevine in manifests', () => {
  it('gives ContentProtection one element that holds the box', () => {
    const said = signalWidevine(request([key({})]), settings({})).keys[0];
    expect(text(said?.contentProtectionData)).toBe(
      `<cenc:pssh xmlns:cenc="urn:mpeg:cenc:2013">${said?.pssh}</cenc:pssh>`,
    );
  });

  it.each([
    ['cenc', 'SAMPLE-AES-CTR'],
    ['cbcs', 'SAMPLE-AES'],
  ] as const)('calls %s %s in HLS, in media and master playlist alike', (scheme, method) => {
    const said = signalWidevine(request([key({ scheme })]), settings({})).keys[0];
    const attributes =
      `METHOD=${method},URI="data:text/plain;base64,${said?.pssh}",KEYID=0x12ea753c23e7bc024474b2b976c43beb,` +
      'KEYFORMAT="urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",KEYFORMATVERSIONS="1"';
    expect(text(said?.hlsMedia)).toBe(`#EXT-X-KEY:${attributes}`);
    expect(text(said?.hlsMaster)).toBe(`#EXT-X-SESSION-KEY:${attributes}`);
  });

  it.each([
    ['SAMPLE-AES', 0x63626373],
    ['SAMPLE-AES-CTR', 0x63656e63],
  ] as const)('takes SPEKE 2.1’s %s for the scheme it means', (hlsMethod, code) => {
    const said = signalWidevine(request([key({ scheme: undefined, hlsMethod })]), settings({})).keys[0];
    expect(readBox(said?.pssh).fields['protection_scheme']).toBe(code);
    expect(text(said?.hlsMedia)).toContain(`METHOD=${hlsMethod},`);
  });

  it('assumes for SPEKE 1, which names no scheme, what the tenant says', () => {
    const keys = [key({ scheme: undefined })];
    const assumed = (tenant: object) => readBox(signalWidevine(request(keys), tenantOf(tenant)).keys[0]?.pssh).fields;
    expect(assumed({})).toEqual({ protection_scheme: 0x63656e63 });
    expect(assumed({ speke1Scheme: 'cbcs' })).toEqual({ protection_scheme: 0x63626373 });
  });

  it('writes the explicit IV only for a tenant whose packager copies the tags', () => {
    const keys = [key({ scheme: 'cbcs', explicitIv: Buffer.alloc(16, 0xa1).toString('base64') })];
    const tag = (tenant: object) => text(signalWidevine(request(keys), tenantOf(tenant)).keys[0]?.hlsMedia);
    expect(tag({})).not.toContain('IV=');
    expect(tag({ hlsIv: true })).toContain(`,IV=0x${'a1'.repeat(16)},`);
  });

  it('answers what is asked and means something, no more', () => {
    const asked = signalWidevine(request([key({ wants: ['hlsMedia'] })]), settings({})).keys[0];
    expect(Object.keys(asked ?? {})).toEqual(['keyId', 'hlsMedia']);
    const all = signalWidevine(request([key({})]), settings({})).keys[0];
    expect(all).not.toHaveProperty('smoothProtectionHeader');
  });

  it.each([
    ['cens', {}],
    ['cbc1', {}],
    [undefined, { hlsMethod: 'AES-128' }],
    ['cenc', { hlsMethod: 'AES-128' }],
  ] as const)('refuses what it cannot do: %s %j', (scheme, more) => {
    expect(() => signalWidevine(request([key({ scheme, ...more })]), settings({}))).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_SCHEME', message: expect.stringContaining('cenc, cbcs') }),
    );
  });
});

function key(given: Partial<KeyToSignal>): KeyToSignal {
  return { keyId: KEY_ID, scheme: 'cenc', wants: [...SIGNALING_ITEMS], ...given };
}

function request(keys: KeyToSignal[], contentId = 'movie-1'): SignalingRequest {
  return { tenant: 'default', contentId, systemId: SYSTEM_IDS.widevine, spekeVersion: '2.0', keys };
}

function settings(widevine: object) {
  return tenantOf({ widevine });
}

function tenantOf(signaling: object) {
  return tenantSchema.parse({ id: 'default', signaling }).signaling;
}

function readBox(base64: string | undefined) {
  return readPsshData(Buffer.from(parsePsshBox(Buffer.from(base64 ?? '', 'base64')).data));
}

function text(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString('utf8');
}

function attributes(tag: string): Map<string, string> {
  return new Map([...tag.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)].map(([, name, value]) => [`${name}`, `${value}`]));
}

/** What our messages hold: the scheme always, the old fields never, a content ID that is text. */
function writable(fields: Record<string, string | number>): boolean {
  const contentId = Buffer.from(`${fields['content_id'] ?? ''}`, 'hex');
  return (
    fields['protection_scheme'] === 0x63656e63 &&
    !('algorithm' in fields) &&
    Buffer.from(contentId.toString()).equals(contentId)
  );
}

function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function vectors<T>(file: string): T[] {
  return JSON.parse(readFileSync(join(__dirname, 'vectors', file), 'utf8')).vectors;
}
