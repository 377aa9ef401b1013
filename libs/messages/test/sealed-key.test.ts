import { randomBytes, randomUUID } from 'node:crypto';
import { ContentKey, parseKeyId } from '@latchkey/cenc';
import { Fault, SealingIdentity, SealingPair, type SealContext } from '../src/index';

const context: SealContext = {
  tenant: 'default',
  contentId: 'movie-1',
  keyId: parseKeyId('0dc3ec4f-7683-548b-81e7-3c64e582e136'),
};
const keyOf = (bytes: Buffer) => ContentKey.fromBytes(bytes);
const bytesOf = (key: ContentKey) => key.expose((bytes) => Buffer.from(bytes));

describe('sealed key', () => {
  // promise 10
  const [from, to, other] = [new SealingPair(), new SealingPair(), new SealingPair()];

  it('opens for whom it was sealed, as who sealed it says', () => {
    const bytes = randomBytes(16);
    const box = from.seal(to.publicKey, keyOf(bytes), context);
    expect(bytesOf(to.open(from.publicKey, box, context))).toEqual(bytes);
    expect(Buffer.from(box, 'base64')).toHaveLength(44);
  });

  it('is another one each time, a thousand times', () => {
    const key = keyOf(randomBytes(16));
    const boxes = Array.from({ length: 1_000 }, () => from.seal(to.publicKey, key, context));
    expect(new Set(boxes.map((box) => box.slice(0, 16))).size).toBe(1_000);
    for (const box of boxes.slice(-300)) to.open(from.publicKey, box, context).dispose();
  });

  it('opens for nobody else, from nobody else, and not back to who sealed it', () => {
    const box = from.seal(to.publicKey, keyOf(randomBytes(16)), context);
    expect(() => other.open(from.publicKey, box, context)).toThrow(Fault);
    expect(() => to.open(other.publicKey, box, context)).toThrow(Fault);
    expect(() => from.open(to.publicKey, box, context)).toThrow(Fault);
  });

  it.each([
    ['tenant', { tenant: 'other' }],
    ['content', { contentId: 'movie-2' }],
    ['key ID', { keyId: parseKeyId('1dc3ec4f-7683-548b-81e7-3c64e582e136') }],
  ])('opens for no other %s', (_, change) => {
    const box = from.seal(to.publicKey, keyOf(randomBytes(16)), context);
    expect(() => to.open(from.publicKey, box, { ...context, ...change })).toThrow('does not open');
  });

  it('does not open when a bit of it was changed or some of it is missing', () => {
    const box = Buffer.from(from.seal(to.publicKey, keyOf(randomBytes(16)), context), 'base64');
    for (let bit = 0; bit < box.length * 8; bit++) {
      const changed = Buffer.from(box);
      changed[bit >> 3]! ^= 1 << (bit % 8);
      expect(() => to.open(from.publicKey, changed.toString('base64'), context)).toThrow(Fault);
    }
    expect(() => to.open(from.publicKey, box.subarray(1).toString('base64'), context)).toThrow('another length');
  });

  it('can be opened by every process that has the same private key', () => {
    const privateKey = randomBytes(32);
    const [one, two] = [new SealingPair(privateKey), new SealingPair(privateKey)];
    expect(one.publicKey).toBe(two.publicKey);
    const bytes = randomBytes(16);
    const box = from.seal(one.publicKey, keyOf(bytes), context);
    expect(bytesOf(two.open(from.publicKey, box, context))).toEqual(bytes);
    expect(() => new SealingPair(randomBytes(16))).toThrow(Fault);
  });

  it('lies with others in one box, which opens for all of them in their order and for no others', () => {
    const keys = [randomBytes(16), randomBytes(16), randomBytes(16)];
    const keyIds = keys.map(() => parseKeyId(randomUUID()));
    const all = { tenant: 'default', contentId: 'movie-1', keyIds };
    const box = from.sealAll(to.publicKey, keys.map(keyOf), all);
    expect(to.openAll(from.publicKey, box, all).map(bytesOf)).toEqual(keys);
    expect(Buffer.from(box, 'base64')).toHaveLength(76);
    for (const wrong of [[...keyIds].reverse(), [keyIds[0]!, keyIds[0]!, keyIds[2]!]]) {
      expect(() => to.openAll(from.publicKey, box, { ...all, keyIds: wrong })).toThrow('does not open');
    }
    for (const wrong of [keyIds.slice(1), [...keyIds, keyIds[0]!], []]) {
      expect(() => to.openAll(from.publicKey, box, { ...all, keyIds: wrong })).toThrow('another length');
    }
  });

  it('is not made for what is no public key', () => {
    const seal = (publicKey: string) => from.seal(publicKey, keyOf(randomBytes(16)), context);
    expect(() => seal(randomBytes(31).toString('base64'))).toThrow('32 bytes');
    expect(() => seal('')).toThrow(Fault);
    // A point of small order: what would be agreed on is known to everybody (RFC 7748, 6.1).
    expect(() => seal(Buffer.alloc(32).toString('base64'))).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST' }),
    );
  });
});

describe('sealing identity', () => {
  it('renews its pair after its life, and not before', () => {
    let now = 0;
    const identity = new SealingIdentity(1_000, () => now);
    const first = identity.current();
    now = 999;
    expect(identity.current()).toBe(first);
    now = 1_000;
    const second = identity.current();
    expect(second.publicKey).not.toBe(first.publicKey);
    now = 1_999;
    expect(identity.current()).toBe(second);
  });
});
