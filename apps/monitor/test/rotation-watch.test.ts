import { keyRevoked } from '@latchkey/messages';
import { temporaryDirectory } from '@latchkey/testing';
import { KeepingTime } from '../src/rotation/keeping-time';
import { open, type RootDatabase } from 'lmdb';
import type { WatchedContent } from '../src/rotation/watched-content';
import { LmdbKeptRecords } from '../src/store/lmdb-kept-store';
import { RotationWatch, type WatchOptions } from '../src/rotation/rotation-watch';
import { issued, type IssuedSample } from './sample-events';

const START = Date.UTC(2026, 0, 1);
const at = (seconds: number) => START + seconds * 1_000;

describe('rotation watch', () => {
  it('raises rotation.missed once, at one and a half cadences, and rotation.recovered after', async () => {
    const watch = await newWatch();
    await watch.rotate([0, 10, 20, 30]);
    await watch.at(44.9);
    expect(watch.said).toEqual([]);
    await watch.at(45);
    await watch.at(46);
    expect(watch.said).toEqual([
      expect.objectContaining({ type: 'io.latchkey.rotation.missed.v1', cadenceMs: 10_000 }),
    ]);
    expect(watch.state()).toBe('missed');

    await watch.ask(4, 70);
    expect(watch.said.map(({ type }) => type)).toEqual([
      'io.latchkey.rotation.missed.v1',
      'io.latchkey.rotation.recovered.v1',
    ]);
    await watch.at(84);
    expect(watch.said).toHaveLength(2);
    expect(watch.state(84)).toBe('due');
  });

  it('raises rotation.late for a period that came late but was not yet missed', async () => {
    const watch = await newWatch();
    await watch.rotate([0, 10, 20, 33]);
    expect(watch.said.map(({ type }) => type)).toEqual(['io.latchkey.rotation.late.v1']);
  });

  it('shows the countdown to the next period', async () => {
    const watch = await newWatch();
    await watch.rotate([0, 60, 120]);
    const [row] = watch.watch.board(at(150));
    expect(row).toMatchObject({ state: 'on time', cadenceMs: 60_000, dueAt: at(180), missedAt: at(210) });
  });

  it('says the same after a restart, and only once', async () => {
    const path = temporaryDirectory();
    const before = await newWatch({}, open({ path, maxDbs: 8 }));
    await before.rotate([0, 10, 20]);
    await before.root.close();

    const after = await newWatch({}, open({ path, maxDbs: 8 }));
    await after.at(35);
    expect(after.said).toHaveLength(1);
    await after.root.close();

    const third = await newWatch({}, open({ path, maxDbs: 8 }));
    await third.at(36);
    expect(third.said).toEqual([]);
    expect(third.state()).toBe('missed');
    await third.root.close();
  });

  it('gives what it states twice one id, so that it is one event', async () => {
    const [one, two] = [await newWatch(), await newWatch()];
    for (const watch of [one, two]) await watch.rotate([0, 10, 20]);
    await one.at(35);
    await two.at(36.5);
    expect(one.said[0]?.id).toBe(two.said[0]?.id);
  });

  it.each<[string, IssuedSample[]]>([
    ['was asked for once, with a period', [{ index: 1 }]],
    ['has no period', [{}, {}, {}]],
    [
      'asked for all its periods in one go',
      [{ index: 1 }, { index: 2 }, { index: 3 }].map((one) => ({ ...one, time: new Date(at(0)) })),
    ],
    ['asks for the same period again and again', [{ index: 1 }, { index: 1 }, { index: 1 }, { index: 1 }]],
  ])('never alarms for a content that %s', async (_, samples) => {
    const watch = await newWatch();
    for (const [n, sample] of samples.entries()) await watch.hear({ time: new Date(at(n * 10)), ...sample });
    await watch.at(10_000);
    expect(watch.said).toEqual([]);
  });

  it('knows from stated times how long a period is, from the second request on', async () => {
    const watch = await newWatch();
    const period = (n: number) => ({
      start: new Date(at(n * 30)).toISOString(),
      end: new Date(at(n * 30 + 30)).toISOString(),
    });
    await watch.hear({ index: 1, time: new Date(at(0)), ...period(1) });
    await watch.hear({ index: 2, time: new Date(at(28)), ...period(2) });
    expect(watch.watch.board(at(29))[0]).toMatchObject({ state: 'on time', cadenceMs: 30_000 });
  });

  it('learns the rhythm of an encryptor that begins with two periods at once', async () => {
    const watch = await newWatch();
    await watch.rotate([0, 0.3, 60, 120, 180]);
    expect(watch.watch.board(at(190))[0]).toMatchObject({ cadenceMs: 60_000, dueAt: at(240) });
  });

  it('keeps its rhythm through an outage', async () => {
    const watch = await newWatch();
    await watch.rotate([0, 10, 20, 30, 630, 640]);
    expect(watch.watch.board(at(641))[0]).toMatchObject({ cadenceMs: 10_000 });
  });

  it('is not misled by events that come again or in another order', async () => {
    const watch = await newWatch();
    for (const [index, second] of [
      [1, 0],
      [3, 20],
      [2, 10],
      [3, 20],
      [4, 30],
      [5, 40],
    ] as const)
      await watch.ask(index, second);
    expect(watch.watch.board(at(41))[0]).toMatchObject({ content: { lastPeriodIndex: 5 }, dueAt: at(50) });
  });

  it('begins anew when an encryptor counts anew', async () => {
    const watch = await newWatch();
    await watch.rotate([0, 10, 20]);
    await watch.ask(0, 29);
    await watch.at(60);
    expect(watch.said).toEqual([]);
    expect(watch.state()).toBe('learning');
  });

  it('lets go of a content that ended or was revoked', async () => {
    const watch = await newWatch({ endedAfterMs: 3_600_000 });
    await watch.rotate([0, 10, 20]);
    await watch.at(3_700);
    expect(watch.watch.board(at(3_700))).toEqual([]);

    await watch.rotate([4_000, 4_010, 4_020]);
    await watch.watch.heard({
      ...issued(),
      type: keyRevoked.type,
      data: { tenant: 'default', contentId: 'channel-1', wholeContent: true },
    });
    await watch.at(4_100);
    expect(watch.said).toEqual([]);
  });

  it('remembers no more contents than it may', async () => {
    const watch = await newWatch({ maxContents: 3 });
    for (let n = 0; n < 10; n++) await watch.hear({ contentId: `c${n}`, index: 1, time: new Date(at(n)) });
    expect(
      watch.watch
        .board(at(20))
        .map(({ content }) => content.contentId)
        .sort(),
    ).toEqual(['c7', 'c8', 'c9']);
  });

  it('keeps contents of one name in two tenants apart', async () => {
    const watch = await newWatch();
    await watch.hear({ tenant: 'a', index: 1, time: new Date(at(0)) });
    await watch.hear({ tenant: 'b', index: 7, time: new Date(at(0)) });
    expect(watch.watch.board(at(1))).toHaveLength(2);
  });
});

describe('keeping time', () => {
  it('says nothing of silence until what is behind has come, and while the bus is away', async () => {
    let now = at(0);
    const bus = { connected: true };
    const time = new KeepingTime(bus, true, () => now);
    expect(time.caughtUp).toBe(false);
    now = at(3);
    expect(time.caughtUp).toBe(true);
    await time.heard(issued({ time: new Date(at(-60)) }));
    expect(time.caughtUp).toBe(false);
    now = at(6.5);
    expect(time.caughtUp).toBe(true);
    bus.connected = false;
    expect(time.caughtUp).toBe(false);
    bus.connected = true;
    now = at(9);
    expect(time.caughtUp).toBe(false);
    now = at(9.6);
    expect(time.caughtUp).toBe(true);
  });
});

describe('keeping time after a kill', () => {
  it('waits until what the killed one had in hand can have come again', () => {
    let now = at(0);
    const time = new KeepingTime({ connected: true }, false, () => now);
    now = at(60);
    expect(time.caughtUp).toBe(false);
    now = at(66);
    expect(time.caughtUp).toBe(true);
  });
});

async function newWatch(
  options: WatchOptions = {},
  root: RootDatabase = open({ path: temporaryDirectory(), maxDbs: 8 }),
) {
  const said: { type: string; id: string; cadenceMs: number }[] = [];
  const watch = new RotationWatch(
    new LmdbKeptRecords<WatchedContent>(root, 'rotation'),
    async ({ type }, { id, cadenceMs }) => void said.push({ type, id, cadenceMs }),
    options,
  );
  await watch.load();
  const hear = (sample: IssuedSample) => watch.heard(issued(sample));
  return {
    watch,
    said,
    root,
    hear,
    ask: (index: number, second: number) => hear({ index, time: new Date(at(second)) }),
    rotate: async (seconds: number[]) => {
      for (const [index, second] of seconds.entries())
        await hear({ index: index + (seconds[0] ?? 0), time: new Date(at(second)) });
    },
    at: (second: number) => watch.check(at(second)),
    state: (second = 45) => watch.board(at(second))[0]?.state,
  };
}
