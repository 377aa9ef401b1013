import { GroupedWrites } from '../src/store/grouped-writes';
import { soon } from './stores';

describe('grouped writes', () => {
  /** Writes that end when told. */
  const writes = (rows = 25, atOnce = 2) => {
    const underWay: { rows: readonly number[]; end: (error?: Error) => void }[] = [];
    const group = new GroupedWrites<number>(
      { rows, writes: atOnce },
      (some) =>
        new Promise((resolve, reject) => {
          underWay.push({ rows: some, end: (error) => (error ? reject(error) : resolve()) });
        }),
    );
    return { underWay, add: (...some: number[]) => group.add(some, soon()) };
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it('writes the first at once, and those who come meanwhile together', async () => {
    const { underWay, add } = writes(25, 1);
    const first = add(1);
    await turn();
    const others = [add(2), add(3, 4), add(5)];
    await turn();
    expect(underWay.map(({ rows }) => rows)).toEqual([[1]]);
    underWay[0]?.end();
    await first;
    await turn();
    expect(underWay.map(({ rows }) => rows)).toEqual([[1], [2, 3, 4, 5]]);
    underWay[1]?.end();
    await Promise.all(others);
  });

  it('writes no more rows at once than it may', async () => {
    const { underWay, add } = writes(2, 2);
    const all = [add(1), add(2), add(3), add(4), add(5)];
    await turn();
    expect(underWay.map(({ rows }) => rows)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    for (let at = 0; at < 3; at++) {
      underWay[at]?.end();
      await turn();
    }
    await Promise.all(all);
  });

  it('tells everybody whose row was in a write that failed, and nobody else', async () => {
    const { underWay, add } = writes(2, 1);
    const outcomes = Promise.allSettled([add(1), add(2, 3), add(4)]);
    await turn();
    underWay[0]?.end(new Error('not written'));
    await turn();
    underWay[1]?.end();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });
});
