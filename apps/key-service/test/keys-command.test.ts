import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createContext } from '@latchkey/runtime';
import { MemoryHub } from '@latchkey/bus';
import { ensureBuilt, temporaryDirectory } from '@latchkey/testing';
import { startKeyService } from '../src/index';
import { RunningServices } from './running-service';
import { embeddedPlace, newKeyId } from './stores';

const ROOM = join(__dirname, '..');

describe('npm run keys', () => {
  beforeAll(() => ensureBuilt(ROOM));
  const directory = temporaryDirectory();

  const keys = (args: readonly string[], input = '', dataDir = directory) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOM, 'dist/keys-command.js'), ...args], {
      encoding: 'utf8',
      input,
      env: { PATH: process.env['PATH'], DATA_DIR: dataDir },
    });
    return { status, stderr, told: stdout === '' ? undefined : (JSON.parse(stdout) as Record<string, unknown>) };
  };

  it('does what it says, beside the service', async () => {
    const place = embeddedPlace(directory);
    const services = new RunningServices(place, directory);
    await services.start();
    const keyId = newKeyId();
    const [before] = await services.issue([keyId]);

    expect(keys(['find', 'default', keyId]).told).toEqual({ contents: ['movie-1'] });
    expect(keys(['reencrypt']).told).toEqual({ rows: 2, dataKeys: 2 });
    expect(keys(['verify-audit'])).toMatchObject({ status: 0, told: { writers: 1, records: 1, findings: [] } });
    expect(keys(['root', 'derived', '1']).told).toEqual({ tenant: 'derived', version: 1, created: true });
    expect(keys(['root', 'derived', '1']).told).toEqual({ tenant: 'derived', version: 1, created: false });

    const [after] = await services.issue([keyId]);
    expect(after?.key).toBe(before?.key);
    const [derived] = await services.issue([keyId], { tenant: 'derived' });
    expect(derived?.created).toBe(true);
    await services.stop();
    await place.store().close();
  });

  it('carries a root secret only where it can be unwrapped', () => {
    const { told } = keys(['export-root', 'derived', '1']);
    expect(Object.keys(told ?? {})).toEqual(['tenant', 'version', 'dataKey', 'box']);
    const elsewhere = temporaryDirectory();
    const refused = keys(['import-root'], JSON.stringify(told), elsewhere);
    expect(refused).toMatchObject({ status: 1, told: undefined });
    expect(refused.stderr).toContain('does not decrypt');
  });

  it.each(['verify-audit', 'reencrypt', 'republish', 'find default 6bac8ec3-0ee3-379f-3d21-290b3a2bc9c3'])(
    'does not take a wrong DATA_DIR for an empty store: %s',
    (command) => {
      const nowhere = join(directory, 'nowhere');
      expect(keys(command.split(' '), '', nowhere)).toMatchObject({
        status: 64,
        told: undefined,
        stderr: expect.stringContaining('There is no key store in'),
      });
      expect(existsSync(nowhere)).toBe(false);
    },
  );

  it.each([[[]], [['nonsense']], [['find', 'default']], [['root', 'derived', 'x']], [['create-table']]])(
    'says how it is used when asked for %j',
    (args) => {
      const { status, stderr } = keys(args);
      expect(status).toBe(64);
      expect(stderr).not.toBe('');
    },
  );

  it('refuses a cloud table under a key file', async () => {
    const context = createContext('key-service', { DYNAMODB_TABLE: 'keys', DATA_DIR: directory });
    const started = startKeyService(context, new MemoryHub().connect(context));
    await expect(started).rejects.toThrow('KMS_KEY_ID');
  });
});
