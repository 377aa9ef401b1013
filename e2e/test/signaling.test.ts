import { randomUUID } from 'node:crypto';
import { Encryptor, readSpekeAnswer, SPEKE_1_SYSTEMS, SPEKE_2_SYSTEMS, spekeDocument } from '@latchkey/testing';
import { answered, said } from './answered';
import { startStandalone, type System } from './system';

const { widevine, playready, fairplay } = SPEKE_2_SYSTEMS;

describe('signaling of the running server', () => {
  let system: System;
  let encryptor: Encryptor;

  beforeAll(async () => {
    [system, encryptor] = await Promise.all([startStandalone(), Encryptor.create()]);
  });
  afterAll(async () => {
    await system.stop();
    system.removeData();
  });

  it('is six for two keys and three systems, each about its own key', async () => {
    const keyIds: string[] = [randomUUID(), randomUUID()];
    const answer = await answered(system, encryptor, document(keyIds));
    expect(answer.systems.map(({ systemId, keyId }) => `${systemId} ${keyId}`).sort()).toEqual(
      [widevine, playready, fairplay].flatMap(({ systemId }) => keyIds.map((keyId) => `${systemId} ${keyId}`)).sort(),
    );
    for (const { keyId, items } of answer.systems) {
      const [own, other] = keyIds.indexOf(keyId) === 0 ? keyIds : keyIds.toReversed();
      const everything = [...items.values()].map((base64) => spelledOut(base64)).join(' ');
      expect(namesKey(everything, own as string)).toBe(true);
      expect(namesKey(everything, other as string)).toBe(false);
    }
  });

  it('agrees with itself: box in HLS and DASH, media and master lines', async () => {
    const keyIds = [randomUUID(), randomUUID()];
    const answer = await answered(system, encryptor, document(keyIds));
    for (const { systemId, keyId, items } of answer.systems) {
      const [media, master] = ['media', 'master'].map((list) =>
        said(answer, systemId, keyId, `HLSSignalingData:${list}`),
      );
      expect(master).toBe(media?.replace('#EXT-X-KEY:', '#EXT-X-SESSION-KEY:'));
      const box = items.get('PSSH');
      if (box) expect(said(answer, systemId, keyId, 'ContentProtectionData')).toContain(`>${box}</cenc:pssh>`);
      if (systemId === widevine.systemId) expect(media).toContain(`base64,${box}"`);
    }
  });

  it('is the same when asked again, in either case', async () => {
    const keyIds = [randomUUID()];
    const first = await answered(system, encryptor, document(keyIds));
    const again = await answered(system, encryptor, document(keyIds.map((keyId) => keyId.toUpperCase())));
    expect(again.systems.map(({ items }) => items)).toEqual(first.systems.map(({ items }) => items));
  });

  it.each(['media', 'master'])('fills one HLSSignalingData that stands alone: %s', async (playlist) => {
    const both = '<cpix:HLSSignalingData playlist="media"/><cpix:HLSSignalingData playlist="master"/>';
    const alone = `<cpix:HLSSignalingData playlist="${playlist}"/>`;
    const xml = spekeDocument(document([randomUUID()])).replaceAll(both, alone);
    const reply = await encryptor.post(`${system.spekeUrl}/copyProtection`, xml, '2.0');
    const answer = await readSpekeAnswer(reply.body);
    expect(reply.status).toBe(200);
    for (const { items } of answer.systems) {
      const lines = [...items.keys()].filter((name) => name.startsWith('HLSSignalingData'));
      expect(lines).toEqual([`HLSSignalingData:${playlist}`]);
      expect(items.get(`HLSSignalingData:${playlist}`)).not.toBe('');
    }
  });

  it('gives FairPlay the IV that was issued with the key, and the encryptor the same', async () => {
    const keyId = randomUUID();
    const answer = await answered(system, encryptor, document([keyId]));
    const uri = /URI="skd:\/\/([^"]*)"/.exec(said(answer, fairplay.systemId, keyId, 'HLSSignalingData:media'))?.[1];
    const asset = JSON.parse(Buffer.from(uri ?? '', 'base64').toString());
    expect(asset).toEqual({ ContentId: 'signaled', KeyId: keyId, IV: answer.keys[0]?.explicitIv });
    expect(Buffer.from(asset.IV, 'base64')).toHaveLength(16);
  });

  it('points SPEKE 1 clients at a key URL that gives the key', async () => {
    const keyId = randomUUID();
    const wish = {
      version: '1.0',
      contentId: 'a b/ü?#',
      keys: [{ keyId }],
      systems: [SPEKE_1_SYSTEMS.hlsAes128],
    } as const;
    const answer = await answered(system, encryptor, wish);
    const { systemId } = SPEKE_1_SYSTEMS.hlsAes128;
    expect(said(answer, systemId, keyId, 'KeyFormat')).toBe('identity');
    const key = await fetch(said(answer, systemId, keyId, 'URIExtXKey'));
    expect(Buffer.from(await key.arrayBuffer())).toEqual(answer.keys[0]?.key);
  });
});

function document(keyIds: readonly string[]) {
  const keys = keyIds.map((keyId, at) => ({ keyId, scheme: 'cbcs', trackType: at === 0 ? 'SD' : 'HD' }));
  return { version: '2.0', contentId: 'signaled', keys, systems: [widevine, playready, fairplay] } as const;
}

/** The text, what is in base64 in it, and what is in base64 in that, as text and as hexadecimal digits. */
function spelledOut(base64: string, depth = 3): string {
  const bytes = Buffer.from(base64, 'base64');
  const texts = [bytes.toString('latin1'), bytes.toString('utf16le'), bytes.subarray(1).toString('utf16le')];
  const inside = depth === 0 ? [] : texts.flatMap((text) => text.match(/[A-Za-z0-9+][A-Za-z0-9+/]{21,}={0,2}/g) ?? []);
  return [bytes.toString('hex'), ...texts, ...inside.map((each) => spelledOut(each, depth - 1))].join(' ');
}

/** In text order, or in that of a GUID. */
function namesKey(text: string, keyId: string): boolean {
  const hex = keyId.replaceAll('-', '');
  const guid = hex.replace(/^(..)(..)(..)(..)(..)(..)(..)(..)/, '$4$3$2$1$6$5$8$7');
  return [keyId, hex, guid].some((spelling) => text.includes(spelling));
}
