import { TenantRows, type TenantRow } from '../src/index';

const user = (username: string) => ({ id: `of-${username}`, method: 'digest', username, ha1: { md5: '0'.repeat(32) } });
const row = (id: string, version: number, content: object = {}): TenantRow => ({
  id,
  version,
  document: JSON.stringify({ id, ...content }),
});
const idsOf = ({ tenants }: { tenants: readonly { id: string }[] }) => tenants.map(({ id }) => id);

// issue 8, 2: tenants as DynamoDB rows
describe('rows of tenants', () => {
  it('are tenants, checked as those of the file, with the defaults of the file', () => {
    const { tenants, faults } = new TenantRows().take([row('b', 2), row('a', 1, { limits: { concurrency: 7 } })]);
    expect(faults).toEqual([]);
    expect(tenants).toMatchObject([
      { id: 'a', limits: { concurrency: 7, requestsPerMinute: 120_000 } },
      { id: 'b', policy: { expiredCertificates: 'refuse' } },
    ]);
  });

  it.each([
    ['no JSON', { document: '{' }, /not JSON/],
    ['nothing', { document: '' }, /not JSON/],
    ['a setting that there is not', { document: '{"id":"bad","polizy":{}}' }, /Unrecognized key.*polizy/],
    ['another ID', { document: '{"id":"good"}' }, /another id/],
    [
      'one credential twice',
      { document: JSON.stringify({ id: 'bad', encryptors: [user('a'), { ...user('a'), id: 'b' }] }) },
      /share the credential of of-a/,
    ],
  ])('that are wrong (%s) are named, and harm nobody else', (_, wrong, why) => {
    const taken = new TenantRows().take([{ id: 'bad', version: 1, ...wrong }, row('good', 2)]);
    expect(idsOf(taken)).toEqual(['good']);
    expect(taken.faults).toEqual([{ id: 'bad', message: expect.stringMatching(why) }]);
    expect(taken.faults[0]?.message).toMatch(/it is not served$/);
  });

  it('keep their last good version while they are wrong, until they are right or gone', () => {
    const rows = new TenantRows();
    rows.take([row('a', 1, { limits: { concurrency: 7 } })]);
    const wrong = rows.take([row('a', 2, { limits: { concurrency: -7 } })]);
    expect(wrong.tenants).toMatchObject([{ id: 'a', limits: { concurrency: 7 } }]);
    expect(wrong.faults).toEqual([{ id: 'a', message: expect.stringMatching(/concurrency.*last good version stays/) }]);
    expect(rows.take([row('a', 2, { limits: { concurrency: -7 } })])).toEqual(wrong);
    expect(rows.take([row('a', 3, { limits: { concurrency: 8 } })])).toMatchObject({
      tenants: [{ limits: { concurrency: 8 } }],
      faults: [],
    });
    expect(rows.take([])).toEqual({ tenants: [], faults: [] });
  });

  it('cannot share a credential: whoever had it first keeps it, in whatever order they are read', () => {
    const first = row('first', 3, { encryptors: [user('live')] });
    const second = row('second', 4, { encryptors: [user('live')] });
    const uncounted = row('a-third', 0, { encryptors: [user('live')] });
    for (const rows of [
      [first, second, uncounted],
      [uncounted, second, first],
    ]) {
      const { tenants, faults } = new TenantRows().take(rows);
      expect(tenants.map(({ id }) => id)).toEqual(['first']);
      expect(faults.map(({ id }) => id)).toEqual(['a-third', 'second']);
      expect(faults[1]?.message).toMatch(/shares the credential of-live with tenant first; it is not served/);
    }
  });

  it('take over a credential when the other has let it go', () => {
    const rows = new TenantRows();
    const second = row('second', 4, { encryptors: [user('live')] });
    rows.take([row('first', 3, { encryptors: [user('live')] }), second]);
    const after = rows.take([row('first', 5), second]);
    expect([idsOf(after), after.faults]).toEqual([['first', 'second'], []]);
  });

  it('do not fall back to a version whose credential another has by now', () => {
    const rows = new TenantRows();
    rows.take([row('first', 1, { encryptors: [user('live')] })]);
    const wrong = { id: 'first', version: 3, document: '{' };
    const after = rows.take([row('second', 2, { encryptors: [user('live')] }), wrong]);
    expect(idsOf(after)).toEqual(['second']);
    expect(after.faults).toEqual([{ id: 'first', message: 'its document is not JSON; it is not served' }]);
  });

  it('tell roles apart as callers show them, which is without a path', () => {
    const role = (path: string) => ({
      encryptors: [{ id: 'mp', method: 'aws-role', roleArn: `arn:aws:iam::123456789012:role/${path}Encryptor` }],
    });
    const { faults } = new TenantRows().take([row('a', 1, role('')), row('b', 2, role('media/live/'))]);
    expect(faults).toEqual([{ id: 'b', message: expect.stringMatching(/shares the credential mp with tenant a/) }]);
  });

  it('that have not changed stay the same object, so that what was made of it stays known', () => {
    const rows = new TenantRows();
    const [before] = rows.take([row('a', 1), row('b', 2)]).tenants;
    const [after] = rows.take([row('a', 1), row('b', 3, { limits: { concurrency: 1 } })]).tenants;
    expect(after).toBe(before);
  });

  it('never say what is in them', () => {
    const secret = 'not-a-hash-but-a-secret';
    const encryptors = [{ id: 'e', method: 'basic', username: 'u', hash: secret }];
    const { faults } = new TenantRows().take([row('a', 1, { encryptors }), { ...row('b', 2), document: `{${secret}` }]);
    expect(faults).toHaveLength(2);
    expect(JSON.stringify(faults)).not.toContain(secret);
  });
});
