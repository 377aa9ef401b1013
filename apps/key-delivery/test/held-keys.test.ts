import { randomBytes } from 'node:crypto';
import { ContentKey } from '@latchkey/cenc';
import { HeldKey, HeldKeys } from '../src/held-keys';
import { keyName } from '../src/key-name';
import { someKeyId } from './key-answerer';

let now = 1_000_000;
let held: HeldKeys;
beforeEach(() => (held = new HeldKeys({ max: 64, holdMs: 300_000, now: () => now })));
afterEach(() => held.close());

const ZEROS = Buffer.alloc(16);

function someKey(expiresAt?: number, contentId = 'live') {
  const bytes = randomBytes(16);
  const contentKey = ContentKey.fromBytes(bytes);
  const name = keyName({ tenant: 'default', contentId }, someKeyId());
  return { bytes, contentKey, name, key: new HeldKey(name, contentKey, expiresAt, false) };
}
const inMemory = ({ contentKey }: { contentKey: ContentKey }) => contentKey.expose((bytes) => Buffer.from(bytes));

describe('a key in memory', () => {
  it('is copied for each who gets it, and prints as nothing', () => {
    const { bytes, key, name } = someKey();
    held.hold(key);
    const copy = held.get(name)?.copy() as Buffer;
    copy.fill(0);
    expect(held.get(name)?.copy()).toEqual(bytes);
    expect(JSON.stringify(key)).not.toContain(bytes.toString('base64'));
  });

  it('makes room for others, and is zeroed then', () => {
    const keys = Array.from({ length: 65 }, () => someKey());
    for (const { key } of keys) held.hold(key);
    expect(held.size).toBe(64);
    const [first, ...others] = keys as [ReturnType<typeof someKey>, ...ReturnType<typeof someKey>[]];
    expect(inMemory(first)).toEqual(ZEROS);
    expect(first.key.copy()).toBeUndefined();
    for (const other of others) expect(other.key.copy()).toEqual(other.bytes);
  });

  it('is zeroed when it is revoked, alone or with its content', () => {
    const [one, two, other] = [someKey(), someKey(), someKey(undefined, 'film')];
    for (const { key } of [one, two, other]) held.hold(key);
    held.forget(one.name);
    expect(inMemory(one)).toEqual(ZEROS);
    held.forgetContent({ tenant: 'default', contentId: 'live' });
    expect(inMemory(two)).toEqual(ZEROS);
    held.forgetContent({ tenant: 'other', contentId: 'film' });
    expect(other.key.copy()).toEqual(other.bytes);
  });

  // promises 7, 8
  it.each([
    ['past its own end', 60_000, 60_000],
    ['longer than a revocation that was not heard may go unnoticed', undefined, 300_000],
  ])('is not held %s', (_, life, gone) => {
    const one = someKey(life === undefined ? undefined : now + life);
    held.hold(one.key);
    now += gone;
    expect(held.get(one.name)).toBeDefined();
    now += 1;
    expect(held.get(one.name)).toBeUndefined();
    expect(inMemory(one)).toEqual(ZEROS);
  });

  it('is never held when it came too late', () => {
    const one = someKey(now);
    held.hold(one.key);
    expect(held.get(one.name)).toBeUndefined();
    expect(one.key.copy()).toBeUndefined();
  });

  it('is zeroed when the service ends', () => {
    const one = someKey();
    held.hold(one.key);
    held.close();
    expect(inMemory(one)).toEqual(ZEROS);
  });
});
