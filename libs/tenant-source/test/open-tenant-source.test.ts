import { createLogger, EnvironmentError } from '@latchkey/runtime';
import { openTenantSource, readTenantSource } from '../src/index';

describe('where tenants are', () => {
  it('is a file, a table, or nowhere', () => {
    expect(readTenantSource({})).toEqual({ kind: 'built-in' });
    expect(readTenantSource({ TENANTS_FILE: 'tenants.yaml' })).toEqual({ kind: 'file', path: 'tenants.yaml' });
    expect(readTenantSource({ TENANTS_TABLE: 'tenants', TENANTS_POLL_SECONDS: '5' })).toEqual({
      kind: 'table',
      table: 'tenants',
      pollMs: 5_000,
    });
  });

  it('is never both', () => {
    const both = () => readTenantSource({ TENANTS_FILE: 'tenants.yaml', TENANTS_TABLE: 'tenants' });
    expect(both).toThrow(EnvironmentError);
    expect(both).toThrow('TENANTS_FILE, TENANTS_TABLE');
  });

  it('does not load the AWS SDK where it is not a table', async () => {
    const logger = createLogger('test', { LOG_LEVEL: 'silent' });
    const tenants = await openTenantSource({ kind: 'built-in' }, { logger });
    expect(tenants.get('default')).toBeDefined();
    expect(Object.keys(require.cache).filter((path) => path.includes('@aws-sdk'))).toEqual([]);
    tenants.close();
  });
});
