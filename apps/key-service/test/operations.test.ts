import { randomUUID } from 'node:crypto';
import { SYSTEM_IDS } from '@latchkey/cenc';
import { DescribeTableCommand, DescribeTimeToLiveCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  temporaryDirectory,
  dynamoDbLocalMissing,
  startDynamoDbLocal,
  startKmsEndpoint,
  type DynamoDbLocal,
  type KmsEndpoint,
} from '@latchkey/testing';
import { verifyAudit } from '../src/audit/verify-audit';
import { rootSecretName } from '../src/issuing/derived-keys';
import { createKeyTable } from '../src/store/dynamodb-table';
import { KeyWrapper } from '../src/wrapping/key-wrapper';
import { openKmsMasterKey } from '../src/wrapping/kms-master-key';
import { reencryptDataKeys } from '../src/wrapping/reencrypt';
import { SecretVault } from '../src/wrapping/secret-vault';
import { describeWith } from './describe-with';
import { RunningServices } from './running-service';
import { dynamoDbClient, dynamoDbStore, newKeyId, newTable, quiet, soon } from './stores';

describeWith(dynamoDbLocalMissing())('operating the key store on AWS', () => {
  const directory = temporaryDirectory();
  let dynamoDb: DynamoDbLocal;
  let kms: KmsEndpoint;
  beforeAll(async () => {
    [dynamoDb, kms] = await Promise.all([startDynamoDbLocal(), startKmsEndpoint()]);
    Object.assign(process.env, dynamoDb.environment, kms.environment);
  });
  afterAll(async () => {
    await Promise.all([dynamoDb.close(), kms.close()]);
  });

  const masterKey = (keyId: string, oldKeyIds: string[] = []) => openKmsMasterKey({ keyId, oldKeyIds, logger: quiet });
  const region = async (keyId = 'alias/latchkey') => {
    const table = await newTable(dynamoDb.endpoint);
    const store = dynamoDbStore(dynamoDb.endpoint, table);
    const environment = { DYNAMODB_TABLE: table, KMS_KEY_ID: keyId, AWS_ATTEMPT_MS: '30000' };
    return { store, services: new RunningServices({ environment, store: () => store }, directory) };
  };

  it('makes the table, again without harm, with time to live on the attribute that rows have', async () => {
    const client = dynamoDbClient(dynamoDb.endpoint, {});
    const table = `made-${randomUUID()}`;
    // As one that was restored from a backup.
    await createKeyTable(client, table, { deletionProtection: false, pointInTimeRecovery: false });
    await createKeyTable(client, table, { deletionProtection: true, pointInTimeRecovery: false });
    await createKeyTable(client, table, { deletionProtection: true, pointInTimeRecovery: false });
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    expect(Table?.DeletionProtectionEnabled).toBe(true);
    expect(Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName)).toEqual(['by-key-id']);
    const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName: table }));
    expect(TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' });
    client.destroy();
  });

  it('moves everything under a new KMS key, after which the old one is not needed', async () => {
    kms.pointAlias('alias/rotating', kms.keyId);
    const { store, services } = await region('alias/rotating');
    await services.start();
    const contentId = randomUUID();
    const keyIds = Array.from({ length: 50 }, newKeyId);
    const before = await services.issue(keyIds, { contentId });
    // Made for DRM systems alone, and permitted to players later: two rows.
    const permitted = newKeyId();
    await services.issue([permitted], { contentId, systems: [SYSTEM_IDS.widevine] });
    await services.issue([permitted], { contentId });
    await services.stop();

    const next = kms.createKey();
    kms.pointAlias('alias/rotating', next);
    const rotating = masterKey('alias/rotating', [kms.keyId]);
    // One data key for the keys, one for the audit.
    expect(await reencryptDataKeys(store, rotating)).toEqual({ rows: 53, dataKeys: 2 });
    kms.setEnabled(kms.keyId, false);
    await services.start();
    const after = await services.issue(keyIds, { contentId });
    expect(after.map(({ key }) => key)).toEqual(before.map(({ key }) => key));
    expect(Object.keys(await services.release([permitted], { contentId }))).toEqual([permitted]);
    await services.stop();
    expect((await verifyAudit(store, masterKey('alias/rotating'))).findings).toEqual([]);
    kms.setEnabled(kms.keyId, true);
    await store.close();
  });

  it('gives the same derived keys in two regions that share a root secret and nothing else', async () => {
    const [one, two, alone] = [await region(), await region(), await region()];
    const secrets = new SecretVault(one.store, new KeyWrapper(masterKey('alias/latchkey')));
    await secrets.getOrCreate('derived', rootSecretName(1), () => Buffer.alloc(32, 7), soon());
    const wrapped = await one.store.getSecret('derived', rootSecretName(1), soon());
    await two.store.createSecret('derived', rootSecretName(1), wrapped!, soon());
    const other = new SecretVault(alone.store, new KeyWrapper(masterKey('alias/latchkey')));
    await other.getOrCreate('derived', rootSecretName(1), () => Buffer.alloc(32, 8), soon());

    const contentId = randomUUID();
    const keyIds = [newKeyId(), newKeyId()];
    const ask = async ({ services }: Awaited<ReturnType<typeof region>>, index: number) => {
      await services.start();
      const keys = keyIds.map((keyId) => ({ keyId, needsExplicitIv: true, period: { index } }));
      const issued = await services.issue([], { tenant: 'derived', contentId, keys });
      await services.stop();
      return issued.map(({ key, explicitIv, created }) => ({ key, explicitIv, created }));
    };
    const first = await ask(one, 1);
    expect(await ask(two, 2)).toEqual(first);
    expect(await ask(alone, 1)).not.toEqual(first);
    expect(
      new Set(first.flatMap(({ key, explicitIv }) => [key, Buffer.from(explicitIv!, 'base64').toString('hex')])).size,
    ).toBe(4);
    const { rows } = await two.store.read({ tenant: 'derived', contentId }, keyIds, soon());
    const facts = [...rows.values()].map((row) => JSON.parse(row.state === 'kept' ? row.facts : '{}') as object);
    expect(facts).toMatchObject([
      { origin: 'derived', rootVersion: 1 },
      { origin: 'derived', rootVersion: 1 },
    ]);
    await Promise.all([one, two, alone].map(({ store }) => store.close()));
  });

  it('holds no key and no data key in the clear anywhere in the table', async () => {
    // promise 11
    const { store, services } = await region();
    await services.start();
    const issued = await services.issue(Array.from({ length: 20 }, newKeyId));
    await services.stop();
    const client = dynamoDbClient(dynamoDb.endpoint, {});
    const tables = services.place.environment['DYNAMODB_TABLE'];
    const { Items = [] } = await client.send(new ScanCommand({ TableName: tables }));
    const bytes = Buffer.concat(
      Items.flatMap((item) => Object.values(item).map(({ S, N, B }) => Buffer.from(B ?? S ?? N ?? ''))),
    );
    const secrets = [...issued.map(({ key }) => Buffer.from(key, 'hex')), ...kms.dataKeys];
    expect(secrets.length).toBeGreaterThan(21);
    for (const secret of secrets) {
      const forms = [secret, secret.toString('hex'), secret.toString('base64'), secret.toString('base64url')];
      expect(forms.filter((form) => bytes.includes(form))).toEqual([]);
    }
    client.destroy();
    await store.close();
  });
});
