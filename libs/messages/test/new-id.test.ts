import { newId } from '../src/index';

const VERSION_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('a new id', () => {
  it('is a UUID of version 7 that begins with the time', () => {
    const [before, id, after] = [Date.now(), newId(), Date.now()];
    expect(id).toMatch(VERSION_7);
    const time = parseInt(id.replaceAll('-', '').slice(0, 12), 16);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(after);
  });

  it('is never one that was', () => {
    const ids = new Set(Array.from({ length: 10_000 }, newId));
    expect(ids.size).toBe(10_000);
  });

  it('sorts after those of earlier moments', () => {
    const clock = jest.spyOn(Date, 'now');
    const moments = [0, 1, 0xfff, 1_795_338_082_725, 1_795_338_082_726, 0xffff_ffff_ffff];
    const ids = moments.map((moment) => {
      clock.mockReturnValue(moment);
      return newId();
    });
    clock.mockRestore();
    expect(ids.toSorted()).toEqual(ids);
    expect(ids.every((id) => VERSION_7.test(id))).toBe(true);
  });
});
