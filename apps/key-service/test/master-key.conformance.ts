import type { EncryptionContext, MasterKey } from '../src/wrapping/master-key';

const CONTEXT: EncryptionContext = { tenant: 'default', purpose: 'content-key' };
const WITHIN_MS = 60_000;

/** What every MasterKey does. */
export function describeMasterKey(open: () => MasterKey): void {
  let masterKey: MasterKey;
  beforeAll(() => void (masterKey = open()));
  afterAll(() => masterKey.close());

  it('makes data keys of 32 bytes, each another one, and decrypts them', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => masterKey.generateDataKey(CONTEXT, WITHIN_MS)));
    expect(new Set(made.map(({ plaintext }) => plaintext.toString('hex'))).size).toBe(20);
    for (const { plaintext, encrypted } of made) {
      expect(plaintext).toHaveLength(32);
      expect(encrypted.includes(plaintext)).toBe(false);
      expect(await masterKey.decrypt(encrypted, CONTEXT, WITHIN_MS)).toEqual(plaintext);
    }
  });

  it.each([
    ['tenant', { ...CONTEXT, tenant: 'other' }],
    ['purpose', { ...CONTEXT, purpose: 'secret' }],
  ] as const)('decrypts for no other %s', async (_, context) => {
    // promise 16, 39
    const { encrypted } = await masterKey.generateDataKey(CONTEXT, WITHIN_MS);
    await expect(masterKey.decrypt(encrypted, context, WITHIN_MS)).rejects.toMatchObject({ code: 'TAMPERED' });
  });

  it('decrypts nothing of which one bit was changed, or that was cut', async () => {
    // promise 15
    const { encrypted } = await masterKey.generateDataKey(CONTEXT, WITHIN_MS);
    for (let at = 0; at < encrypted.length; at += 5) {
      const changed = Buffer.from(encrypted);
      changed[at]! ^= 1 << (at % 8);
      await expect(masterKey.decrypt(changed, CONTEXT, WITHIN_MS)).rejects.toMatchObject({ code: 'TAMPERED' });
    }
    for (const cut of [encrypted.subarray(1), encrypted.subarray(0, -1), Buffer.alloc(1)]) {
      await expect(masterKey.decrypt(cut, CONTEXT, WITHIN_MS)).rejects.toMatchObject({ code: 'TAMPERED' });
    }
  });

  it('gives a data key another form without changing it', async () => {
    const { plaintext, encrypted } = await masterKey.generateDataKey(CONTEXT, WITHIN_MS);
    const other = await masterKey.reencrypt(encrypted, CONTEXT);
    expect(other).not.toEqual(encrypted);
    expect(await masterKey.decrypt(other, CONTEXT, WITHIN_MS)).toEqual(plaintext);
    expect(await masterKey.decrypt(encrypted, CONTEXT, WITHIN_MS)).toEqual(plaintext);
  });

  it('says that it can be used', async () => {
    expect(await masterKey.check()).toBe(true);
  });
}
