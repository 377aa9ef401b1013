import { KMSClient } from '@aws-sdk/client-kms';
import {
  eventually,
  LOCAL_AWS,
  startFaultProxy,
  startKmsEndpoint,
  type FaultProxy,
  type KmsEndpoint,
} from '@latchkey/testing';
import { clientLimits } from '../src/aws/guarded-calls';
import { openKmsMasterKey } from '../src/wrapping/kms-master-key';
import { describeMasterKey } from './master-key.conformance';
import { quiet } from './stores';

const CONTEXT = { tenant: 'default', purpose: 'content-key' } as const;

describe('KMS master key', () => {
  let kms: KmsEndpoint;
  let proxy: FaultProxy;
  beforeAll(async () => {
    kms = await startKmsEndpoint();
    proxy = await startFaultProxy(kms.endpoint);
  });
  afterAll(async () => {
    await proxy.close();
    await kms.close();
  });
  beforeEach(() => proxy.reset());

  const open = (keyId = 'alias/latchkey', oldKeyIds: string[] = [], limits = clientLimits(30_000)) =>
    openKmsMasterKey({
      keyId,
      oldKeyIds,
      logger: quiet,
      client: new KMSClient({
        ...limits,
        endpoint: proxy.endpoint,
        region: LOCAL_AWS.AWS_REGION,
        credentials: { accessKeyId: LOCAL_AWS.AWS_ACCESS_KEY_ID, secretAccessKey: LOCAL_AWS.AWS_SECRET_ACCESS_KEY },
      }),
    });

  describe('as every master key', () => describeMasterKey(() => open()));

  it('is unavailable, not tampered with, while the key is disabled', async () => {
    const masterKey = open();
    const { encrypted } = await masterKey.generateDataKey(CONTEXT, 60_000);
    kms.setEnabled(kms.keyId, false);
    await expect(masterKey.generateDataKey(CONTEXT, 60_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(masterKey.decrypt(encrypted, CONTEXT, 60_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await masterKey.check()).toBe(false);
    kms.setEnabled(kms.keyId, true);
    await masterKey.decrypt(encrypted, CONTEXT, 60_000);
  });

  it('goes on through a change of the alias, and needs the old key named only after a restart', async () => {
    const masterKey = open('alias/moving');
    kms.pointAlias('alias/moving', kms.keyId);
    const old = await masterKey.generateDataKey(CONTEXT, 60_000);
    const next = kms.createKey();
    kms.pointAlias('alias/moving', next);
    const young = await masterKey.generateDataKey(CONTEXT, 60_000);
    expect(await masterKey.decrypt(old.encrypted, CONTEXT, 60_000)).toEqual(old.plaintext);
    expect(await masterKey.decrypt(young.encrypted, CONTEXT, 60_000)).toEqual(young.plaintext);

    await expect(open('alias/moving').decrypt(old.encrypted, CONTEXT, 60_000)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    const named = open('alias/moving', [kms.keyId]);
    expect(await named.decrypt(old.encrypted, CONTEXT, 60_000)).toEqual(old.plaintext);
    const moved = await named.reencrypt(old.encrypted, CONTEXT);
    expect(await open('alias/moving').decrypt(moved, CONTEXT, 60_000)).toEqual(old.plaintext);
  });

  it('does not decrypt what lies under a KMS key of somebody else', async () => {
    const theirs = open(kms.createKey());
    const { encrypted } = await theirs.generateDataKey(CONTEXT, 60_000);
    await expect(open().decrypt(encrypted, CONTEXT, 60_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('tries twice and no more, and within the deadline', async () => {
    // promises 23, 25
    proxy.rules({ fault: { kind: 'hang' }, action: 'Decrypt' });
    const { encrypted } = await open().generateDataKey(CONTEXT, 60_000);
    const masterKey = open('alias/latchkey', [], clientLimits());
    await expect(masterKey.decrypt(encrypted, CONTEXT, 60_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(proxy.requests.get('Decrypt')).toBe(2);
    await expect(masterKey.decrypt(encrypted, CONTEXT, 300)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('refuses at once while KMS has been dead for a while, and comes back by itself', async () => {
    // promise 23
    proxy.rules({ fault: { kind: 'down' } });
    const masterKey = open();
    for (let n = 0; n < 8; n++) await expect(masterKey.generateDataKey(CONTEXT, 60_000)).rejects.toThrow();
    proxy.requests.clear();
    await expect(masterKey.generateDataKey(CONTEXT, 60_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(proxy.requests.size).toBe(0);
    proxy.reset();
    await eventually(() =>
      masterKey.generateDataKey(CONTEXT, 60_000).then(
        () => true,
        () => false,
      ),
    );
  });
});
