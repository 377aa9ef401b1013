import { parseKeyId, playReadyTestKey } from '../src/index';

describe('PlayReady test key', () => {
  // unifiedstreaming/pycpix, tests/test_playready.py; the others: published headers whose CHECKSUM belongs to the key
  it.each([
    ['8ba94ade-6eb9-449d-b44f-a5beefaf43b0', 'dbfd6922c321c4bb486f4a1c44097ed6'],
    ['10000000-1000-1000-1000-100000000001', '3a2a1b68dd2bd9b2eeb25e84c4776668'],
    ['6f651ae1-dbe4-4434-bcb4-690d1564c41c', '88da852ae4fa2e1e36aeb2d5c94997b1'],
    ['b6e16839-eebd-4ff6-ab76-8d482d8d2b6b', 'a77756687011b4bf7b3294fb4c4f75eb'],
  ])('is what the published seed gives for %s', (keyId, hex) => {
    expect(playReadyTestKey(parseKeyId(keyId)).expose((bytes) => bytes.toString('hex'))).toBe(hex);
  });
});
