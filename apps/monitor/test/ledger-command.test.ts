import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { open } from 'lmdb';
import { temporaryDirectory } from '@latchkey/testing';
import { runLedgerCommand } from '../src/ledger/command';
import { Ledger } from '../src/ledger/ledger';
import { LmdbLedgerStore } from '../src/ledger/lmdb-ledger-store';
import { issued } from './sample-events';

describe('npm run ledger', () => {
  let DATA_DIR: string;
  const path = () => join(DATA_DIR, 'monitor', 'ledger');
  beforeEach(async () => {
    DATA_DIR = temporaryDirectory();
    const ledger = new Ledger(new LmdbLedgerStore(path()));
    for (let n = 1; n <= 5; n++) await ledger.append(issued({ contentId: `=film ${n}`, writer: 'w', sequence: n }));
    await ledger.append(issued({ tenant: 'b', contentId: 'b"s', writer: 'v', sequence: 1 }));
    await ledger.store.close();
  });

  const run = async (...args: string[]) => {
    const [out, error] = [new Collected(), new Collected()];
    const status = await runLedgerCommand(args, { DATA_DIR }, { out, error });
    return { status, out: out.text, error: error.text };
  };

  // promise 22
  it('verify proves a whole ledger, and names the row that was edited or deleted', async () => {
    const whole = await run('verify');
    expect(whole).toMatchObject({ status: 0, out: expect.stringContaining('default: 5 records') });
    expect(whole.out).toContain('The ledger is whole.');

    const records = open({ path: path(), maxDbs: 8 }).openDB({ name: 'records' });
    const third = records.get(['default', 3]);
    await records.put(['default', 3], { ...third, body: third.body.replace('packager-1', 'packager-9') });
    const edited = await run('verify');
    expect(edited.status).toBe(1);
    expect(edited.out.match(/^BROKEN .*$/gm)).toEqual(['BROKEN default: record 3 is altered']);

    await records.remove(['default', 3]);
    const deleted = await run('verify');
    expect(deleted.out.match(/^(BROKEN|GAP) .*$/gm)).toEqual([
      'BROKEN default: record 3 is missing',
      'GAP w: number 3 never came',
    ]);
  });

  it('verify takes the heads that it printed as anchors', async () => {
    const anchors = (await run('heads')).out.trim().split('\n');
    expect(anchors).toHaveLength(2);
    expect((await run('verify', ...anchors.flatMap((anchor) => ['--anchor', anchor]))).status).toBe(0);
    const later = `default:9:${'a'.repeat(64)}`;
    const cut = await run('verify', '--anchor', later);
    expect(cut.out).toContain('BROKEN default: record 6 is missing');
  });

  it('exports CSV that a spreadsheet takes for text, and a part of it to a file', async () => {
    const { out } = await run('export', '--format', 'csv');
    expect(out.split('\r\n')).toHaveLength(8);
    expect(out).toContain(",'=film 1,");
    expect(out).toContain(',"b""s",');
    const file = join(DATA_DIR, 'b.ndjson');
    await run('export', '--tenant', 'b', '--output', file);
    expect(
      readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text).chain),
    ).toEqual(['b']);
    expect((await run('export', '--from', '2999-01-01')).out).toBe('');
  });

  it('does not take a wrong DATA_DIR for an empty ledger', async () => {
    DATA_DIR = join(DATA_DIR, 'nowhere');
    for (const command of ['verify', 'heads', 'export']) {
      const { status, out, error } = await run(command);
      expect([status, out, error]).toEqual([2, '', expect.stringContaining('There is no ledger in')]);
    }
    expect(existsSync(DATA_DIR)).toBe(false);
  });

  it('says how it is used to who asks', async () => {
    expect(await run('--help')).toEqual({ status: 0, out: expect.stringContaining('npm run ledger'), error: '' });
  });

  it.each([[[]], [['burn']], [['verify', '--anchor', 'x']], [['export', '--format', 'xml']], [['verify', '--what']]])(
    'says how it is used when asked %j',
    async (args) => {
      const { status, error } = await run(...args);
      expect(status).toBe(2);
      expect(error).toContain('npm run ledger');
    },
  );
});

class Collected extends Writable {
  text = '';
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
