import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { dynamoDbLocalMissing, startDynamoDbLocal, type DynamoDbLocal } from '@latchkey/testing';
import { deleteTenant, putTenant, TenantChangeError } from '../src/tenant-changes';
import type { TenantTable } from '../src/tenant-table';
import { describeWith } from './describe-with';
import { clientOf, newTable } from './tables';

// A transaction takes DynamoDB Local long on a busy machine.
jest.setTimeout(180_000);

// issue 8, 2: tenants as DynamoDB rows
describeWith(dynamoDbLocalMissing())('a table of tenants', () => {
  let dynamoDb: DynamoDbLocal;
  let table: TenantTable;
  beforeAll(async () => void (dynamoDb = await startDynamoDbLocal()));
  beforeEach(async () => void (table = await newTable(dynamoDb.endpoint)));
  afterEach(() => table.close());
  afterAll(() => dynamoDb.close());

  const wanted = (id: string, version?: number, more: object = {}) => ({ id, content: { id, ...more }, version });
  const user = { id: 'live', method: 'digest', username: 'live', ha1: { md5: '0'.repeat(32) } };

  it('begins empty, and gives back what was put, with versions that never come again', async () => {
    expect(await table.read()).toEqual({ generation: 0, rows: [] });
    expect(await putTenant(table, wanted('a'))).toBe(1);
    expect(await putTenant(table, wanted('b'))).toBe(2);
    await deleteTenant(table, 'a', 1);
    expect(await putTenant(table, wanted('a'))).toBe(4);
    const { generation, rows } = await table.read();
    expect(generation).toBe(4);
    expect(rows.map(({ id, version, document }) => [id, version, JSON.parse(document)]).sort()).toEqual([
      ['a', 4, { id: 'a' }],
      ['b', 2, { id: 'b' }],
    ]);
    expect(rows.every(({ changed }) => !Number.isNaN(Date.parse(changed)))).toBe(true);
  });

  it('does not let one operator overwrite what another has changed meanwhile', async () => {
    await putTenant(table, wanted('a'));
    await putTenant(table, wanted('a', 1, { limits: { concurrency: 7 } }));
    await expect(putTenant(table, wanted('a', 1, { limits: { concurrency: 8 } }))).rejects.toThrow(
      /is at version 2, changed .*; this was made from version 1/,
    );
    await expect(putTenant(table, wanted('a', undefined, { limits: { concurrency: 8 } }))).rejects.toThrow(/get it/);
    await expect(deleteTenant(table, 'a', 1)).rejects.toThrow(TenantChangeError);
    await deleteTenant(table, 'a', 2);
    await expect(putTenant(table, wanted('a', 2, { limits: { concurrency: 8 } }))).rejects.toThrow(
      /not there any more/,
    );
    await expect(deleteTenant(table, 'a', 2)).rejects.toThrow('there is no tenant a');
  });

  it('takes one of many who write the same tenant at once, and all who write others', async () => {
    await putTenant(table, wanted('shared'));
    const contents = [1, 2, 3, 4].map((concurrency) => wanted('shared', 1, { limits: { concurrency } }));
    const outcomes = await Promise.allSettled([
      ...contents.map((each) => putTenant(table, each)),
      ...['a', 'b', 'c'].map((id) => putTenant(table, wanted(id))),
    ]);
    expect(outcomes.slice(0, 4).filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refused = outcomes.slice(4).filter(({ status }) => status === 'rejected');
    const { rows } = await table.read();
    // Whoever lost ten times in a row was told to try again, and has written nothing.
    expect(rows).toHaveLength(4 - refused.length);
    expect(new Set(rows.map(({ version }) => version)).size).toBe(rows.length);
  });

  it('does not take what services would not, nor what would put another out of service', async () => {
    await expect(putTenant(table, wanted('a', undefined, { polizy: {} }))).rejects.toThrow(/tenant a: Unrecognized/);
    await putTenant(table, wanted('a', undefined, { encryptors: [user] }));
    await expect(putTenant(table, wanted('b', undefined, { encryptors: [user] }))).rejects.toThrow(
      /tenant b: shares the credential live with tenant a/,
    );
    // Rows that nobody counted come last: what takes their credential is refused, as it would put them out of service.
    await handWritten('by-hand', { encryptors: [{ ...user, username: 'hand' }] });
    await expect(
      putTenant(table, wanted('c', undefined, { encryptors: [{ ...user, username: 'hand' }] })),
    ).rejects.toThrow(/tenant by-hand: shares the credential/);
    expect((await table.read()).rows).toHaveLength(2);
  });

  it('changes nothing where a row is so already', async () => {
    await putTenant(table, wanted('a', undefined, { limits: { concurrency: 7 } }));
    expect(await putTenant(table, wanted('a', undefined, { limits: { concurrency: 7 } }))).toBeUndefined();
    expect((await table.read()).generation).toBe(1);
  });

  it('counts rows that were written by hand from the first change on', async () => {
    await handWritten('by-hand');
    expect((await table.read()).rows).toEqual([
      { id: 'by-hand', version: 0, document: '{"id":"by-hand"}', changed: '' },
    ]);
    expect(await putTenant(table, wanted('by-hand', 0, { limits: { concurrency: 7 } }))).toBe(1);
    await expect(putTenant(table, wanted('by-hand', 0))).rejects.toThrow(/is at version 1/);
  });

  it('reads all pages', async () => {
    // DynamoDB gives at most 1 MB in one answer.
    const laUrl = `https://example.com/${'x'.repeat(2_000)}`;
    const long = { signaling: { playready: { laUrl } }, encryptors: manyUsers(2_000) };
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) await handWritten(id, long);
    expect((await table.read()).rows.map(({ id }) => id).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });

  async function handWritten(id: string, more: object = {}): Promise<void> {
    const client = clientOf(dynamoDb.endpoint);
    const Item = { id: { S: id }, document: { S: JSON.stringify({ id, ...more }) } };
    await client.send(new PutItemCommand({ TableName: table.name, Item }));
    client.destroy();
  }

  function manyUsers(count: number) {
    return Array.from({ length: count }, (_, at) => ({
      ...user,
      username: `user-${at}`,
      ha1: { sha256: '0'.repeat(64) },
    }));
  }
});
