import { Deadline } from '@latchkey/bus';
import { temporaryDirectory } from '@latchkey/testing';
import { DEFAULT_DATA_KEY_LIMITS, KeyWrapper, type DataKeyLimits } from '../src/wrapping/key-wrapper';
import { openLocalMasterKey } from '../src/wrapping/local-master-key';
import type { EncryptionContext, MasterKey } from '../src/wrapping/master-key';

const CONTEXT: EncryptionContext = { tenant: 'default', purpose: 'content-key' };
const aad = 'bound to';
const soon = () => Deadline.in(60_000);

describe('key wrapper', () => {
  const directory = temporaryDirectory();
  const local = openLocalMasterKey(`${directory}/master.key`, true);

  const wrapperOf = (limits: Partial<DataKeyLimits> = {}, masterKey: MasterKey = local) => {
    let now = 1_000_000;
    const wrapper = new KeyWrapper(masterKey, { ...DEFAULT_DATA_KEY_LIMITS, ...limits }, () => now);
    const wrap = (text: string, context = CONTEXT) =>
      wrapper.wrap(context, [{ bytes: Buffer.from(text), additionalData: aad }], soon()).then(([wrapped]) => wrapped!);
    return { wrapper, wrap, pass: (ms: number) => void (now += ms) };
  };

  it('unwraps what it wrapped, in its context and bound to its data only', async () => {
    const { wrapper, wrap } = wrapperOf();
    const wrapped = await wrap('a key');
    expect((await wrapper.unwrap(CONTEXT, wrapped, aad, soon())).toString()).toBe('a key');
    const tampered = expect.objectContaining({ code: 'TAMPERED' });
    await expect(wrapper.unwrap({ ...CONTEXT, tenant: 'other' }, wrapped, aad, soon())).rejects.toEqual(tampered);
    await expect(wrapper.unwrap({ ...CONTEXT, purpose: 'secret' }, wrapped, aad, soon())).rejects.toEqual(tampered);
    await expect(wrapper.unwrap(CONTEXT, wrapped, 'else', soon())).rejects.toEqual(tampered);
  });

  it('states the limits of a data key', () => {
    // promise 8
    expect(DEFAULT_DATA_KEY_LIMITS).toEqual({
      maxAgeMs: 300_000,
      maxMessages: 100_000,
      maxBytes: 16_777_216,
      maxCached: 1_000,
      maxOpened: 4_096,
    });
  });

  it('asks the master key once for a thousand keys, even if all ask at once', async () => {
    const { wrapper, wrap } = wrapperOf();
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => wrap(`key ${n}`)));
    expect(wrapper.calls).toEqual({ generated: 1, decrypted: 0 });
  });

  it.each([
    ['messages', { maxMessages: 10 }],
    ['bytes', { maxBytes: 50 }],
  ])('makes a new data key past its %s', async (_, limits) => {
    const { wrapper, wrap } = wrapperOf(limits);
    const wrapped = [];
    for (let n = 0; n < 30; n++) wrapped.push(await wrap('12345'));
    expect(wrapper.calls.generated).toBe(3);
    expect(new Set(wrapped.map(({ encryptedDataKey }) => encryptedDataKey.toString('hex'))).size).toBe(3);
  });

  it('seals for all who ask at once, however many data keys that uses up', async () => {
    const { wrapper } = wrapperOf({ maxMessages: 10 });
    const requests = Array.from({ length: 200 }, (_, n) =>
      Array.from({ length: 1 + (n % 4) }, (__, at) => ({ bytes: Buffer.from(`key ${n}.${at}`), additionalData: aad })),
    );
    const wrapped = await Promise.all(requests.map((clears) => wrapper.wrap(CONTEXT, clears, soon())));
    for (const [n, boxes] of wrapped.entries()) {
      const clears = await Promise.all(boxes.map((box) => wrapper.unwrap(CONTEXT, box, aad, soon())));
      expect(clears.map(String)).toEqual(requests[n]?.map(({ bytes }) => String(bytes)));
    }
    expect(wrapper.calls.generated).toBeGreaterThanOrEqual(50);
  });

  it('seals for all who ask at once when a data key comes of age', async () => {
    const { wrapper, wrap, pass } = wrapperOf({ maxAgeMs: 300 });
    await wrap('first');
    pass(300);
    const wrapped = await Promise.all(Array.from({ length: 50 }, (_, n) => wrap(`key ${n}`)));
    for (const [n, box] of wrapped.entries()) {
      expect(String(await wrapper.unwrap(CONTEXT, box, aad, soon()))).toBe(`key ${n}`);
    }
    expect(wrapper.calls.generated).toBe(2);
  });

  it('uses no data key past its age, neither for sealing nor for opening', async () => {
    // promise 8
    const { wrapper, wrap, pass } = wrapperOf({ maxAgeMs: 1_000 });
    const wrapped = await wrap('a key');
    pass(999);
    await wrapper.unwrap(CONTEXT, wrapped, aad, soon());
    expect(wrapper.calls).toEqual({ generated: 1, decrypted: 0 });
    // What is used is not thereby younger.
    pass(2);
    await wrapper.unwrap(CONTEXT, wrapped, aad, soon());
    expect(wrapper.calls).toEqual({ generated: 1, decrypted: 1 });
    await wrap('another');
    expect(wrapper.calls.generated).toBe(2);
  });

  it('holds so many data keys and no more, and asks once for one that many want', async () => {
    const { wrapper, wrap } = wrapperOf({ maxMessages: 1, maxCached: 2 });
    const wrapped = [await wrap('a'), await wrap('b'), await wrap('c')];
    const unwrap = (at: number) => wrapper.unwrap(CONTEXT, wrapped[at]!, aad, soon());
    await Promise.all([unwrap(1), unwrap(2)]);
    expect(wrapper.calls.decrypted).toBe(0);
    await Promise.all(Array.from({ length: 50 }, () => unwrap(0)));
    expect(wrapper.calls.decrypted).toBe(1);
  });

  it('serves what it holds while the master key is gone, for its age and not longer', async () => {
    // promises 8, 28
    let dead = false;
    const dying: MasterKey = {
      ...local,
      decrypt: (...args) => (dead ? Promise.reject(new Error('gone')) : local.decrypt(...args)),
    };
    const { wrapper, wrap, pass } = wrapperOf({ maxAgeMs: 1_000 }, dying);
    const wrapped = await wrap('a key');
    dead = true;
    pass(900);
    expect((await wrapper.unwrap(CONTEXT, wrapped, aad, soon())).toString()).toBe('a key');
    pass(101);
    await expect(wrapper.unwrap(CONTEXT, wrapped, aad, soon())).rejects.toThrow('gone');
  });

  it('lets go of all when it is closed', async () => {
    const { wrapper, wrap } = wrapperOf();
    const wrapped = await wrap('a key');
    wrapper.close();
    await wrapper.unwrap(CONTEXT, wrapped, aad, soon());
    expect(wrapper.calls.decrypted).toBe(1);
  });
});
