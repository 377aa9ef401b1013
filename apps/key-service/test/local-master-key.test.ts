import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@latchkey/testing';
import { MasterKeyFileError, openLocalMasterKey } from '../src/wrapping/local-master-key';
import { describeMasterKey } from './master-key.conformance';

describe('local master key', () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'new', 'master.key');

  describe('as every master key', () => describeMasterKey(() => openLocalMasterKey(path, true)));

  it('lies in a file that only its owner may read', () => {
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(path).size).toBe(32);
    expect(statSync(join(directory, 'new')).mode & 0o777).toBe(0o700);
  });

  it('is the same when opened again, and another file is another key', async () => {
    const context = { tenant: 'default', purpose: 'content-key' } as const;
    const { plaintext, encrypted } = await openLocalMasterKey(path, false).generateDataKey(context, 0);
    expect(await openLocalMasterKey(path, false).decrypt(encrypted, context, 0)).toEqual(plaintext);
    const other = openLocalMasterKey(join(directory, 'other.key'), true);
    await expect(other.decrypt(encrypted, context, 0)).rejects.toMatchObject({ code: 'TAMPERED' });
  });

  it('refuses a file that others may read, that is no key, or that is missing, and says what to do', () => {
    const bad = join(directory, 'bad.key');
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
