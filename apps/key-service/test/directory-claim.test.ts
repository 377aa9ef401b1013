import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger, type Logger } from '@latchkey/runtime';
import { temporaryDirectory } from '@latchkey/testing';
import { claimDirectory } from '../src/store/directory-claim';
import { embeddedStore } from './stores';

const silent = createLogger('test', { LOG_LEVEL: 'silent' });
const HOLDER = `
  const { claimDirectory } = require(${JSON.stringify(join(__dirname, '../src/store/directory-claim.ts'))});
  const logger = { warn: console.log };
  claimDirectory(process.argv[1], logger).then(
    () => { console.log('has it'); setInterval(() => {}, 1000); },
    (error) => { console.log(error.message); process.exitCode = 78; },
  );`;

/** A process that wants the directory, what it says first, and its end. */
async function claimant(directory: string) {
  const swc = ['--conditions=@latchkey/source', '-r', join(__dirname, 'register-swc.cjs')];
  const child = spawn(process.execPath, [...swc, '-e', HOLDER, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const closed = once(child, 'close').then(([code]) => code as number | null);
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, closed, said: said.toString().trim() };
}

const children: ReturnType<typeof spawn>[] = [];
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

/** One short enough for a socket's path, one that is not. */
const DEPTHS = { short: [], long: ['d'.repeat(60), 'e'.repeat(60)] };

describe.each(Object.entries(DEPTHS))('a directory with a %s path', (_, depth) => {
  const root = temporaryDirectory();
  const directory = join(root, ...depth);
  const sockets = () => readdirSync(directory).filter((name) => name.endsWith('.sock'));

  it('is had by one process; the next is told which directory it is and what to do', async () => {
    const first = await claimant(directory);
    expect(first.said).toBe('has it');
    const second = await claimant(directory);
    expect(second.said).toContain(`another process serves the keys in ${directory}: end that one, or choose another`);
    expect(await second.closed).toBe(78);
    await expect(claimDirectory(directory, silent)).rejects.toThrow(directory);
    expect(sockets()).toHaveLength(1);
  });

  it('is had by the next at once when the first was killed, and says nothing of it', async () => {
    for (let round = 0; round < 3; round++) {
      const holder = await claimant(directory);
      expect(holder.said).toBe('has it');
      holder.child.kill('SIGKILL');
      await holder.closed;
    }
    const claim = await claimDirectory(directory, silent);
    expect(sockets()).toHaveLength(1);
    await claim.close();
    expect(sockets()).toEqual([]);
  });

  it('is still had by a process that is stopped', async () => {
    const holder = await claimant(directory);
    expect(holder.said).toBe('has it');
    holder.child.kill('SIGSTOP');
    await expect(claimDirectory(directory, silent)).rejects.toThrow('another process');
    holder.child.kill('SIGKILL');
    await holder.closed;
  });

  it('is never had by two who start at once', async () => {
    for (let round = 0; round < 20; round++) {
      const all = await Promise.allSettled(Array.from({ length: 8 }, () => claimDirectory(directory, silent)));
      const got = all.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      expect(got.length).toBeLessThanOrEqual(1);
      await Promise.all(got.map((claim) => claim.close()));
    }
    expect(sockets()).toEqual([]);
  });

  it('is had again once it was let go', async () => {
    await (await claimDirectory(directory, silent)).close();
    await (await claimDirectory(directory, silent)).close();
    expect(sockets()).toEqual([]);
  });
});

it('a socket that came as a file, from a backup, stands for no process', async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'key-service-0mabcdefg-01234567.sock'), '');
  await (await claimDirectory(directory, silent)).close();
  expect(readdirSync(directory)).toEqual([]);
});

// Where Linux shows its processes, no file can be made, whoever asks.
const whereLinuxIs = process.platform === 'linux' ? it : it.skip;
whereLinuxIs('a directory that takes no sockets is served all the same, with a warning that names it', async () => {
  const warnings: string[] = [];
  const logger = Object.assign(Object.create(silent) as Logger, {
    warn: (_: unknown, text: string) => void warnings.push(text),
  });
  await (await claimDirectory('/proc', logger)).close();
  expect(warnings).toEqual(['see to it that no other process serves /proc: this one cannot tell']);
});

it('who only looks into the store needs no claim', async () => {
  const directory = temporaryDirectory();
  const claim = await claimDirectory(directory, silent);
  mkdirSync(join(directory, 'keys'));
  const store = embeddedStore(join(directory, 'keys'));
  expect(await store.writers('all')).toEqual([]);
  await store.close();
  await claim.close();
});
