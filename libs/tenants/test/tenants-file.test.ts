import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTenants, TenantsFileError, type TenantDirectory } from '../src/index';

const SECRET = 'a-secret-that-nobody-may-read';
const folder = mkdtempSync(join(tmpdir(), 'tenants-'));
const path = join(folder, 'tenants.yaml');
let tenants: TenantDirectory | undefined;
afterEach(() => tenants?.close());
afterAll(() => rmSync(folder, { recursive: true }));

const write = (text: string) => writeFileSync(path, text);

describe('the tenants file', () => {
  it('is read again when it changes', async () => {
    write('tenants: [{ id: a }]');
    tenants = openTenants(path, undefined, 5);
    const [before] = [tenants.digest];
    const changed = new Promise<void>((resolve) => tenants?.onChange(resolve));
    write('tenants: [{ id: a }, { id: b }]');
    await changed;
    expect(tenants.list().map(({ id }) => id)).toEqual(['a', 'b']);
    expect(tenants.digest).not.toBe(before);
  });

  it('stays in force as it was while it is wrong, and says so once, to the log and to whoever asks', async () => {
    write('tenants: [{ id: a }]');
    const errors: Error[] = [];
    tenants = openTenants(path, (error) => errors.push(error), 5);
    const { digest } = tenants;
    let changed = new Promise<void>((resolve) => tenants?.onChange(resolve));
    rmSync(path);
    await changed;
    expect(tenants.faults).toEqual([`cannot read ${path}`]);
    expect(tenants.digest).toBe(digest);
    expect(errors).toHaveLength(1);
    changed = new Promise<void>((resolve) => tenants?.onChange(resolve));
    write('tenants: [{ id: a }, { id: b }]');
    await changed;
    expect([tenants.faults, tenants.list().length, errors.length]).toEqual([[], 2, 1]);
  });

  it.each([`tenants: [{ id: a, ${SECRET}: } }]`, `tenants:\n  - id: a\n ${SECRET}`, `"${SECRET}`])(
    'is never quoted where it is wrong: %s',
    (text) => {
      write(text);
      let error: unknown;
      try {
        openTenants(path).close();
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(TenantsFileError);
      const { message, stack, cause } = error as Error;
      expect([message, stack, String(cause)].join()).not.toContain(SECRET);
      expect(message).toMatch(/not YAML: look at line \d/);
    },
  );

  it('is not needed: then there is one tenant, whose digest is of nothing', () => {
    tenants = openTenants(undefined);
    expect(tenants).toMatchObject({ source: 'built-in', faults: [] });
    expect(tenants.list().map(({ id }) => id)).toEqual(['default']);
  });
});
