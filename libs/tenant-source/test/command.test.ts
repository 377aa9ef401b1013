import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dynamoDbLocalMissing, startDynamoDbLocal, type DynamoDbLocal } from '@latchkey/testing';
import { tenantsCommand } from '../src/command';
import { describeWith } from './describe-with';
import { newTable, tableAt } from './tables';

jest.setTimeout(180_000);

describe('npm run tenants', () => {
  it('says how it is used, and which table it wants', async () => {
    expect(await tenantsCommand([], {})).toMatchObject({ exitCode: 64, errors: expect.stringContaining('put <file>') });
    expect(await tenantsCommand(['list'], {})).toMatchObject({
      exitCode: 64,
      errors: expect.stringContaining('TENANTS_TABLE must be set'),
    });
    expect(await tenantsCommand(['list', '--oops'], {})).toMatchObject({ exitCode: 64 });
  });
});

// issue 8, 2: tenants as DynamoDB rows
describeWith(dynamoDbLocalMissing())('npm run tenants, on DynamoDB', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenants-command-'));
  let dynamoDb: DynamoDbLocal;
  let name: string;
  beforeAll(async () => void (dynamoDb = await startDynamoDbLocal()));
  beforeEach(async () => {
    const table = await newTable(dynamoDb.endpoint);
    name = table.name;
    table.close();
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await dynamoDb.close();
  });

  const run = (...args: string[]) =>
    tenantsCommand(args, { TENANTS_TABLE: name }, (table) => tableAt(dynamoDb.endpoint, table));
  const file = (text: string) => {
    const path = join(folder, 'tenant.yaml');
    writeFileSync(path, text);
    return path;
  };
  const studio = `id: studio
# why this is so
encryptors:
  - { id: live, method: digest, username: live, ha1: { md5: '00000000000000000000000000000000' } }
`;

  it('puts a tenant, shows it, and takes it back changed', async () => {
    expect(await run('put', file(studio))).toEqual({ output: 'studio: version 1\n', errors: '', exitCode: 0 });
    const { output: got } = await run('get', 'studio');
    expect(got).toMatch(/^# version: 1, changed \d{4}-.*\nid: studio\n/);
    expect(await run('diff', file(got))).toEqual({ output: '', errors: '', exitCode: 0 });
    const changed = `${got}limits: { concurrency: 7 }\n`;
    expect(await run('diff', file(changed))).toEqual({
      output: 'studio: version 1\n  + limits.concurrency: 7\n',
      errors: '',
      exitCode: 1,
    });
    expect(await run('put', file(changed))).toMatchObject({ output: 'studio: version 2\n' });
    expect(await run('put', file(changed))).toMatchObject({ output: 'studio: is so already\n' });
    expect((await run('list')).output).toMatch(/^tenant {2}version .*\nstudio {2}2 .* right\n$/);
  });

  it('refuses a file that was made from an older version, and says so', async () => {
    await run('put', file(studio));
    const { output: got } = await run('get', 'studio');
    await run('put', file(`${got}limits: { concurrency: 7 }\n`));
    const late = await run('put', file(`${got}limits: { concurrency: 8 }\n`));
    expect(late).toMatchObject({ exitCode: 1, errors: expect.stringMatching(/is at version 2.*made from version 1/) });
    const { output } = await run('diff', file(`${got}limits: { concurrency: 8 }\n`));
    expect(output).toBe(
      'studio: version 2, the file is of version 1\n  - limits.concurrency: 7\n  + limits.concurrency: 8\n',
    );
    expect(await run('put', file('id: studio\n'))).toMatchObject({ exitCode: 1 });
    expect(await run('put', file('id: studio\n'), '--version', '2')).toMatchObject({ output: 'studio: version 3\n' });
  });

  it('takes a whole tenants file in, and does not show secrets where it shows what differs', async () => {
    const text = JSON.stringify({
      tenants: [{ id: 'a' }, { id: 'b', delivery: { entitlement: signed('A'.repeat(48)) } }],
    });
    expect(await run('put', file(text))).toMatchObject({ output: 'a: version 1\nb: version 2\n' });
    expect(await run('put', file(text))).toMatchObject({ output: 'a: is so already\nb: is so already\n' });
    const { output } = await run('diff', file(text.replace('A'.repeat(48), 'B'.repeat(48))));
    expect(output).toMatch(/delivery.entitlement.secrets\[0\].secret: \(not shown\)/);
    expect(output).not.toMatch(/AAA|BBB/);
    expect(await run('put', file(text), '--version', '1')).toMatchObject({ exitCode: 64 });
  });

  it('deletes the version that was looked at, and no other', async () => {
    await run('put', file(studio));
    expect(await run('delete', 'studio')).toMatchObject({ exitCode: 64 });
    expect(await run('delete', 'studio', '--version', '7')).toMatchObject({ exitCode: 1 });
    expect(await run('delete', 'studio', '--version', '1')).toMatchObject({ exitCode: 0 });
    expect(await run('get', 'studio')).toMatchObject({ exitCode: 1, errors: 'there is no tenant studio\n' });
  });

  it('names what is wrong, and quotes nothing', async () => {
    expect(await run('put', file('id: studio\npolizy: secret'))).toMatchObject({
      exitCode: 1,
      errors: expect.stringMatching(/tenant studio: Unrecognized key.*polizy/),
    });
    const unreadable = await run('put', file('id: a secret: b'));
    expect(unreadable).toMatchObject({ exitCode: 1, errors: expect.stringMatching(/not YAML: look at line 1/) });
    expect(unreadable.errors).not.toContain('secret');
    expect(await run('put', join(folder, 'nowhere.yaml'))).toMatchObject({ exitCode: 1 });
    expect(await run('put', file('policy: {}'))).toMatchObject({ errors: expect.stringContaining('has an id') });
  });

  it('makes the table, and leaves one that is there', async () => {
    for (let times = 0; times < 2; times++)
      expect(await run('create-table', '--unprotected')).toMatchObject({ output: `${name} is there\n` });
  });

  function signed(secret: string) {
    return { mode: 'signed-url', secrets: [{ kid: 'first', secret }] };
  }
});
