import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MasterKeyFileError, openLocalMasterKey } from '../src/wrapping/local-master-key';
import { describeMasterKey } from './master-key.conformance';
import { temporaryDirectory } from './stores';

describe('local master key', () => {
  const directory = temporaryDirectory();
  const path = join(directory.path, 'new', 'master.key');
  afterAll(directory.remove);

  describe('as every master key', () => describeMasterKey(() => openLocalMasterKey(path, true)));

  it('lies in a file that only its owner may read', () => {
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(path).size).toBe(32);
    expect(statSync(join(directory.path, 'new')).mode & 0o777).toBe(0o700);
  });

  it('is the same when opened again, and another file is another key', async () => {
    const context = { tenant: 'default', purpose: 'content-key' } as const;
    const { plaintext, encrypted } = await openLocalMasterKey(path, false).generateDataKey(context, 0);
    expect(await openLocalMasterKey(path, false).decrypt(encrypted, context, 0)).toEqual(plaintext);
    const other = openLocalMasterKey(join(directory.path, 'other.key'), true);
    await expect(other.decrypt(encrypted, context, 0)).rejects.toMatchObject({ code: 'TAMPERED' });
  });

  it('refuses a file that others may read, that is no key, or that is missing, and says what to do', () => {
    const bad = join(directory.path, 'bad.key');
    writeFileSync(bad, readFileSync(path), { mode: 0o600 });
    chmodSync(bad, 0o640);
    expect(() => openLocalMasterKey(bad, true)).toThrow(`chmod 600 ${bad}`);
    chmodSync(bad, 0o600);
    writeFileSync(bad, 'too short');
    expect(() => openLocalMasterKey(bad, true)).toThrow('9 bytes, not 32');
    rmSync(bad);
    expect(() => openLocalMasterKey(bad, false)).toThrow(MasterKeyFileError);
    expect(() => openLocalMasterKey(bad, false)).toThrow('restore the file');
  });
});
