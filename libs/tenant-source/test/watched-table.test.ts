import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@latchkey/runtime';
import {
  dynamoDbLocalMissing,
  eventually,
  startDynamoDbLocal,
  startFaultProxy,
  type DynamoDbLocal,
  type FaultProxy,
} from '@latchkey/testing';
import type { TenantDirectory } from '@latchkey/tenants';
import { deleteTenant, putTenant } from '../src/tenant-changes';
import { TenantTable } from '../src/tenant-table';
import { watchTenantTable, type WatchOptions } from '../src/watched-table';
import { describeWith } from './describe-with';
import { clientOf, newTable } from './tables';

// issue 8, 2: tenants as DynamoDB rows, read without restart
describeWith(dynamoDbLocalMissing())('a service that reads a table of tenants', () => {
  let dynamoDb: DynamoDbLocal;
  let proxy: FaultProxy;
  let table: TenantTable;
  let lines: Record<string, unknown>[];
  let directories: TenantDirectory[];
  beforeAll(async () => {
    dynamoDb = await startDynamoDbLocal();
    proxy = await startFaultProxy(dynamoDb.endpoint);
  });
  beforeEach(async () => {
    table = await newTable(dynamoDb.endpoint);
    lines = [];
    directories = [];
    proxy.reset();
  });
  afterEach(() => {
    for (const directory of directories) directory.close();
    table.close();
  });
  afterAll(async () => {
    await proxy.close();
    await dynamoDb.close();
  });

  const wanted = (id: string, version?: number, more: object = {}) => ({ id, content: { id, ...more }, version });
  const logger = () =>
    createLogger('test', { LOG_LEVEL: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const messages = () => lines.map(({ msg }) => msg);

  /** As a service does, but quicker, and with one attempt where a failure is what is tested. */
  async function watch(options: Partial<WatchOptions> = {}, limits: object = {}): Promise<TenantDirectory> {
    const seen = new TenantTable(table.name, clientOf(proxy.endpoint, { maxAttempts: 1, ...limits }));
    const directory = await watchTenantTable(seen, { pollMs: 10, logger: logger(), ...options });
    directories.push(directory);
    return directory;
  }

  const until = (holds: () => boolean) => eventually(holds, () => `what was waited for (${JSON.stringify(lines)})`);

  it('serves a tenant that is added, changed and removed meanwhile', async () => {
    await putTenant(table, wanted('a'));
    const tenants = await watch();
    expect(tenants.source).toBe('table');
    expect(tenants.list().map(({ id }) => id)).toEqual(['a']);
    const before = tenants.digest;
    let changes = 0;
    tenants.onChange(() => changes++);

    await putTenant(table, wanted('b', undefined, { limits: { concurrency: 7 } }));
    await until(() => tenants.get('b')?.limits.concurrency === 7);
    await putTenant(table, wanted('b', 2, { limits: { concurrency: 8 } }));
    await until(() => tenants.get('b')?.limits.concurrency === 8);
    await deleteTenant(table, 'b', 3);
    await until(() => tenants.get('b') === undefined);
    expect(changes).toBe(3);
    expect(tenants.digest).toBe(before);
  });

  it('asks for one small row as long as nothing changes', async () => {
    await putTenant(table, wanted('a'));
    await watch();
    proxy.requests.clear();
    await until(() => (proxy.requests.get('GetItem') ?? 0) > 5);
    expect(proxy.requests.get('Scan')).toBeUndefined();
  });

  it('sees also what nobody counted, after a while', async () => {
    const tenants = await watch({ fullReadMs: 50 });
    await table.change({ id: 'a', document: '{"id":"a"}', version: undefined }, 0, new Date());
    await until(() => tenants.get('a') !== undefined);
    proxy.requests.clear();
    await until(() => (proxy.requests.get('Scan') ?? 0) > 1);
  });

  it('starts with an empty table, says that nobody is served, and serves whoever comes', async () => {
    const tenants = await watch();
    expect(tenants.list()).toEqual([]);
    expect(messages()).toContain('there are no tenants: nobody is served until there are');
    await putTenant(table, wanted('first'));
    await until(() => tenants.get('first') !== undefined);
  });

  it('serves all others where one row is wrong, keeps that one as it was, and says so once and loudly', async () => {
    await putTenant(table, wanted('a', undefined, { limits: { concurrency: 7 } }));
    const tenants = await watch();
    const secret = 'never-to-be-logged';
    await table.change({ id: 'a', document: `{"id":"a","${secret}`, version: 1 }, 1, new Date());
    await putTenant(table, wanted('b'));
    await until(() => tenants.get('b') !== undefined && tenants.faults.length === 1);
    expect(tenants.get('a')?.limits.concurrency).toBe(7);
    expect(tenants.faults).toEqual(['tenant a: its document is not JSON; its last good version stays in force']);
    const told = lines.filter(({ tenant, level }) => tenant === 'a' && level === 50);
    expect(told).toEqual([expect.objectContaining({ msg: 'a tenant of the table is not right' })]);
    expect(JSON.stringify(lines)).not.toContain(secret);
    await putTenant(table, wanted('a', 2));
    await until(() => tenants.faults.length === 0);
    expect(messages()).toContain('a tenant of the table is right again');
  });

  it('goes on with the last good tenants while DynamoDB is away', async () => {
    await putTenant(table, wanted('a'));
    const tenants = await watch();
    proxy.rules({ fault: { kind: 'down' } });
    await until(() => messages().includes('the tenants cannot be read: the last good ones stay'));
    await putTenant(table, wanted('b'));
    expect(tenants.list().map(({ id }) => id)).toEqual(['a']);
    proxy.reset();
    await until(() => tenants.get('b') !== undefined);
    expect(messages()).toContain('the tenants can be read again');
    expect(messages().filter((msg) => /cannot be read/.test(String(msg)))).toHaveLength(1);
  });

  it('waits with its start until DynamoDB is there, and says why', async () => {
    await putTenant(table, wanted('a'));
    proxy.rules({ fault: { kind: 'error', type: 'AccessDeniedException', status: 400 } });
    const starting = watch();
    await until(() => lines.length > 0);
    expect(lines[0]).toMatchObject({
      level: 50,
      msg: 'the tenants cannot be read: not ready until they can',
      table: table.name,
      hint: expect.stringContaining('dynamodb:Scan'),
    });
    proxy.reset();
    expect((await starting).get('a')).toBeDefined();
  });

  it('does not keep a process from stopping that waits for its first read', async () => {
    proxy.rules({ fault: { kind: 'down' } });
    const stopping = new AbortController();
    const starting = watch({ stopping: stopping.signal });
    await until(() => lines.length > 0);
    const ended = expect(starting).rejects.toThrow('stopped before the tenants could be read');
    stopping.abort();
    await ended;
  });

  it('asks nobody any more when it is closed', async () => {
    const tenants = await watch();
    tenants.close();
    // But for what was on its way.
    await eventually(async () => {
      proxy.requests.clear();
      await delay(100);
      return proxy.requests.size === 0;
    });
  });
});
