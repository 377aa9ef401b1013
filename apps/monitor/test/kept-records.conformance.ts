import type { KeptRecords } from '../src/store/kept-records';

/** What every keeper of records does: LMDB and DynamoDB alike. */
export function describeKeptRecords(
  name: string,
  open: () => Promise<(name: string) => KeptRecords<{ readonly text: string }>>,
): void {
  describe(name, () => {
    it('gives back what it was given, all of it at a start, and forgets what it is told to', async () => {
      const room = await open();
      const records = room('rotation');
      const long = 'ü'.repeat(512);
      await records.put(['default', long], { text: 'first' });
      await records.put(['default', 'b'], { text: 'second' });
      await records.put(['default', 'b'], { text: 'third' });
      expect(await all(room('rotation'))).toEqual(['first', 'third']);
      expect(await records.get(['default', 'b'])).toEqual({ text: 'third' });
      await records.delete(['default', 'b']);
      expect(await records.get(['default', 'b'])).toBeUndefined();
      expect(await all(records)).toEqual(['first']);
    });

    it('keeps rooms apart, and keys that only look alike', async () => {
      const room = await open();
      await room('a').put(['x', 'y'], { text: 'a' });
      await room('b').put(['x', 'y'], { text: 'b' });
      await room('b').put(['x,y'], { text: 'c' });
      expect(await all(room('a'))).toEqual(['a']);
      expect(await all(room('b'))).toEqual(['b', 'c']);
    });
  });
}

async function all(records: KeptRecords<{ readonly text: string }>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of records.load()) texts.push(text);
  return texts.sort();
}
