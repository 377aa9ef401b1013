import { z } from 'zod';
import { SYSTEM_IDS } from '@latchkey/cenc';
import { configuredSystems, tenantSchema } from '../src/index';

describe('signaling of a tenant', () => {
  it.each([
    [{ playready: { laUrl: 'https://a.example/?a=1&amp;b=2' } }, /escaped where the header is written/],
    [{ playready: { laUrl: 'a.example' } }, /not an absolute URL/],
    [{ playready: { laUrl: 'https://a.example/{kid}' } }, /\{kid\} is no placeholder here/],
    [{ playready: { luiUrl: 'https://a.example/ b' } }, /no space/],
    [{ playready: { dsId: 'AAAA' } }, /base64 of 16 bytes/],
    [{ playready: { customAttributes: { A: 'x'.repeat(600) } } }, /at most 1 KB/],
    [{ playready: { customAttributes: { 'a b': 'x' } } }, /not an XML element name|Invalid key/],
    [{ playready: { testServer: true, laUrl: 'https://a.example' } }, /brings its own laUrl/],
    [{ playready: { schemes: ['rot13'] } }, /Invalid option/],
    [{ fairplay: { uri: 'https://a.example' } }, /skd:\/\//],
    [{ fairplay: { uri: 'skd://"' } }, /no quote/],
    [{ clearkey: { keyUrl: '{base}/{key}' } }, /\{key\} is no placeholder here: there are \{base\}/],
    [{ keyIdBoxesFor: ['irdeto'] }, /not a system ID/],
    [{ widewine: {} }, /Unrecognized key/],
  ])('is refused with what is wrong: %j', (signaling, why) => {
    const result = tenantSchema.safeParse({ id: 'default', signaling });
    expect(result.success).toBe(false);
    expect(z.prettifyError(result.error as z.ZodError)).toMatch(why);
  });

  it('says which systems and schemes a document may ask for beside the usual ones', () => {
    const [irdeto, marlin] = ['80a6be7e-1448-4c37-9e70-d5aebe04c8d2', '5e629af5-38da-4063-8977-97ffbd9902d4'];
    const { signaling } = tenantSchema.parse({
      id: 'default',
      signaling: { keyIdBoxesFor: [irdeto], vendorSystems: [marlin], widevine: { schemes: ['cenc', 'cens'] } },
    });
    expect(configuredSystems(signaling).foreignSystems).toEqual([irdeto, marlin]);
    expect(configuredSystems(signaling).schemes.get(SYSTEM_IDS.widevine)).toEqual(['cenc', 'cens']);
    expect(configuredSystems(signaling)).toBe(configuredSystems(signaling));
  });

  it('is complete without a word', () => {
    const { signaling } = tenantSchema.parse({ id: 'default' });
    expect(signaling).toMatchObject({
      widevine: { contentId: false, keyIds: 'own', schemes: ['cenc', 'cbcs'] },
      playready: { testServer: false, keyIds: 'own', schemes: ['cenc', 'cbcs'] },
      fairplay: { uri: 'mediapackage' },
      clearkey: { psshElement: 'prefix', keyIds: 'own' },
      keyIdBoxesFor: [],
      vendorSystems: [],
    });
  });
});
