import { temporaryDirectory } from '@latchkey/testing';
import { describeKeyStore } from './key-store.conformance';
import { embeddedStore, soon, storedKey, storedPermit } from './stores';

describe('embedded key store', () => {
  const directory = temporaryDirectory();
  describe('as every store', () => describeKeyStore(() => ({ open: async () => embeddedStore(directory) })));

  it('deletes rows that have expired, and only when it is told to', async () => {
    // promise 7
    const store = embeddedStore(`${directory}/sweeping`);
    const keys = [100, 200, 300, undefined].map((expiresAt) =>
      storedKey('live', undefined, expiresAt === undefined ? {} : { expiresAt }),
    );
    await store.create({ keys }, [], soon());
    const left = async () => {
      const { rows } = await store.read(
        { tenant: 'default', contentId: 'live' },
        keys.map(({ keyId }) => keyId),
        soon(),
      );
      return keys.map(({ keyId }) => rows.has(keyId));
    };
    expect(await left()).toEqual([true, true, true, true]);
    expect(await store.sweep(100)).toBe(0);
    expect(await store.sweep(201)).toBe(2);
    expect(await left()).toEqual([false, false, true, true]);
    expect(await store.sweep(Number.MAX_SAFE_INTEGER)).toBe(1);
    expect(await left()).toEqual([false, false, false, true]);
    await store.close();
  });

  it('deletes permits that have expired, and not those that were given anew', async () => {
    const store = embeddedStore(`${directory}/sweeping-permits`);
    const [first, second] = [storedKey('live'), storedKey('live')];
    const permits = [storedPermit(first, 50, 100), storedPermit(second, 50, 100)];
    await store.create({ keys: [], permits }, [], soon());
    expect(await store.create({ keys: [], permits: [storedPermit(first, 150, 300)] }, [], soon())).toBe(true);
    const keyIds = [first.keyId, second.keyId];
    const left = async () => [...(await store.read(first, [], soon(), keyIds)).permits.keys()];
    expect((await left()).sort()).toEqual([...keyIds].sort());
    expect(await store.sweep(200)).toBe(1);
    expect(await left()).toEqual([first.keyId]);
    expect(await store.sweep(301)).toBe(1);
    expect(await left()).toEqual([]);
    await store.close();
  });
});
