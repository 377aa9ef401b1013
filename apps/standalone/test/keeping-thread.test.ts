import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, temporaryDirectory } from '@latchkey/testing';

const HERE = join(__dirname, '..');
beforeAll(() => ensureBuilt(HERE));

/** A process whose second thread runs that code. */
async function run(threadCode: string) {
  const thread = join(temporaryDirectory(), 'thread.js');
  writeFileSync(thread, threadCode);
  const script = `
    const { runProcess } = require('@latchkey/runtime');
    const { KeepingThread } = require(${JSON.stringify(join(HERE, 'dist/keeping-thread.js'))});
    runProcess('test', async (context) => {
      new KeepingThread(context, ${JSON.stringify(thread)});
      return { name: 'test', checks: [], close: async () => undefined };
    });`;
  const child = spawn(process.execPath, ['-e', script], { cwd: HERE, env: { PATH: process.env['PATH'] } });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  const [code] = (await once(child, 'close')) as [number];
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  return { code, last: JSON.parse(lines.at(-1) ?? '{}') as unknown };
}

describe('the second thread', () => {
  // What state it is in is not known, as in the first one.
  test('ends the process with an error that nobody caught', async () => {
    const { code, last } = await run("setTimeout(() => { throw new Error('broken') }, 10)");
    expect(code).toBe(1);
    expect(last).toMatchObject({ level: 60, msg: 'an error that nobody caught', err: { message: 'broken' } });
  });

  test('ends the process with a rejection that nobody handled', async () => {
    const { code, last } = await run("Promise.reject(new Error('broken'))");
    expect(code).toBe(1);
    expect(last).toMatchObject({ level: 60, err: { message: 'broken' } });
  });

  test('takes the process with it if it just ends', async () => {
    const { code, last } = await run('process.exit(7)');
    expect(code).toBe(1);
    expect(last).toMatchObject({ level: 60, err: { message: expect.stringContaining('ended with 7') } });
  });
});
