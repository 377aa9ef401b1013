import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, freePort, temporaryDirectory, readSpekeAnswer } from '@latchkey/testing';

const PATIENT = { BUS_PATIENCE: '10', SPEKE_DEADLINE_MS: '20000' };
const ROOT = join(__dirname, '../..');
const COMMANDS = [
  ['npm start', 'apps/standalone/dist/main.js', /one-machine mode/],
  ['npm run services', 'tools/services.mjs', /one process for each service/],
] as const;

describe.each(COMMANDS)('%s', (_, script, says) => {
  let child: ChildProcess;
  let data: string;
  let output = '';
  let ports: number[] = [];

  beforeAll(async () => {
    data = temporaryDirectory();
    ports = await Promise.all([freePort(), freePort(), freePort()]);
    const [SPEKE_PORT, DELIVERY_PORT, CONSOLE_PORT] = ports.map(String);
    child = spawn(process.execPath, [script], {
      cwd: ROOT,
      env: { ...process.env, ...PATIENT, SPEKE_PORT, DELIVERY_PORT, CONSOLE_PORT, DATA_DIR: data },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await eventually(() => says.test(output) && output.includes('Ctrl-C'));
  });
  afterAll(() => {
    child.kill('SIGKILL');
  });

  it('says where the doors and the data are', () => {
    for (const text of [...ports.map(String), data]) expect(output).toContain(text);
  });

  it('prints a curl line that works as pasted', async () => {
    const line = /^ *(curl .*)$/m.exec(output)?.[1] ?? '';
    const { keys, systems } = await readSpekeAnswer(await shell(line));
    expect([keys.length, systems.length]).toEqual([1, 4]);
  });

  it('answers as the README says', async () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const lines = readme.match(/^curl .*$/gm) ?? [];
    const [answer, key] = await inTurn(lines.map(here));
    expect((await readSpekeAnswer(answer ?? '')).keys[0]?.key.toString('base64')).toBe(key?.trim());
  });

  it('ends well when told to', async () => {
    const gone = new Promise<number | null>((done) => child.once('exit', done));
    child.kill('SIGTERM');
    expect(await gone).toBe(0);
    await expect(fetch(`http://127.0.0.1:${ports[0]}/healthz`)).rejects.toThrow();
  });

  /** The README's doors are the usual ones; the test's are those that were free. */
  function here(line: string): string {
    return line.replace('localhost:8080', `localhost:${ports[0]}`).replace('localhost:8081', `localhost:${ports[1]}`);
  }
});

async function inTurn(lines: readonly string[]): Promise<string[]> {
  const outputs: string[] = [];
  for (const line of lines) outputs.push(await shell(line));
  return outputs;
}

async function shell(line: string): Promise<string> {
  return (await promisify(execFile)('sh', ['-c', line], { cwd: ROOT })).stdout;
}
