import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, Encryptor, SPEKE_2_SYSTEMS, type DocumentWish } from '@latchkey/testing';
import { ManagedProcess } from './managed-process';
import { startStandalone, type System } from './system';

const APPS = join(__dirname, '../../apps');
const WISH: DocumentWish = {
  version: '2.0',
  contentId: 'movie-1',
  keys: [{ keyId: '6f1c7b1e-5f0a-4c0d-9a52-0f6d1f1b7c11', scheme: 'cbcs' }],
  systems: [SPEKE_2_SYSTEMS.widevine],
};

// promise 1
describe('a directory that a process serves', () => {
  let system: System;
  let encryptor: Encryptor;
  let second: ManagedProcess | undefined;

  beforeAll(async () => {
    encryptor = await Encryptor.create();
    system = await startStandalone();
  });
  afterAll(async () => {
    await second?.kill('SIGKILL');
    await system.stop();
    system.removeData();
  });

  it('is refused to a second one, whose last line says why and what to do', async () => {
    const environment = { DATA_DIR: system.data, SPEKE_PORT: '0', DELIVERY_PORT: '0', CONSOLE_PORT: '0' };
    const args = [join(APPS, 'standalone/dist/main.js')];
    const refused = new ManagedProcess({ name: 'second', command: process.execPath, args, environment });
    second = refused;
    const advice = `another process serves the keys in ${system.data}: end that one, or choose another directory with DATA_DIR.`;
    await eventually(() => !refused.running && refused.output.includes(advice));
    expect(await refused.kill('SIGKILL')).toBe(78);
    expect(refused.output.trimEnd().endsWith(advice)).toBe(true);
  });

  it.each([
    ['key-service/dist/keys-command.js', 'verify-audit'],
    ['monitor/dist/ledger/command.js', 'verify'],
  ])('may be looked into meanwhile: %s %s', async (script, command) => {
    await keyOf(system);
    const env = { ...process.env, DATA_DIR: system.data };
    await promisify(execFile)(process.execPath, [join(APPS, script), command], { env });
  });

  it('is served again at once after kill -9, time and again', async () => {
    const before = await keyOf(system);
    for (let round = 0; round < 3; round++) {
      await system.process('standalone').kill('SIGKILL');
      system.process('standalone').start();
      await system.ready();
      expect(await keyOf(system)).toEqual(before);
    }
  });

  async function keyOf({ spekeUrl }: System): Promise<Buffer | undefined> {
    const reply = await encryptor.ask(`${spekeUrl}/copyProtection`, WISH);
    return (await reply.document()).keys[0]?.key;
  }
});
