import { randomUUID } from 'node:crypto';
import { SYSTEM_IDS, type KeyId, type SystemId } from '@latchkey/cenc';
import { Fault, issueKeys, type LatchkeyEvent } from '@latchkey/messages';
import {
  temporaryDirectory,
  eventually,
  dynamoDbLocalMissing,
  startDynamoDbLocal,
  startFaultProxy,
  startKmsEndpoint,
  type DynamoDbLocal,
  type FaultProxy,
  type KmsEndpoint,
} from '@latchkey/testing';
import type { KeyStore } from '../src/store/key-store';
import { describeWith } from './describe-with';
import { RunningServices } from './running-service';
import { dynamoDbStore, newKeyId, newTable, soon } from './stores';

describeWith(dynamoDbLocalMissing())('key service while parts are down', () => {
  const directory = temporaryDirectory();
  let dynamoDb: DynamoDbLocal;
  let kms: KmsEndpoint;
  let toDynamoDb: FaultProxy;
  let toKms: FaultProxy;
  let store: KeyStore;
  let services: RunningServices;
  /** For what does not depend on time: it has as much as a busy machine needs. */
  let patient: RunningServices;
  /** With the time limits of production. */
  let hasty: RunningServices;
  let table: string;

  beforeAll(async () => {
    [dynamoDb, kms] = await Promise.all([startDynamoDbLocal(), startKmsEndpoint()]);
    [toDynamoDb, toKms] = await Promise.all([startFaultProxy(dynamoDb.endpoint), startFaultProxy(kms.endpoint)]);
    Object.assign(process.env, dynamoDb.environment, {
      AWS_ENDPOINT_URL_DYNAMODB: toDynamoDb.endpoint,
      AWS_ENDPOINT_URL_KMS: toKms.endpoint,
    });
    table = await newTable(dynamoDb.endpoint);
    store = dynamoDbStore(dynamoDb.endpoint, table);
    patient = servicesWith({ BUS_PATIENCE: '30', AWS_ATTEMPT_MS: '30000' });
    hasty = servicesWith({ BUS_PATIENCE: '1' });
    await Promise.all([patient.start(), hasty.start()]);
    services = patient;
    // A Java machine that has just started takes longer than our limits.
    await Promise.all(Array.from({ length: 40 }, () => untilIssued([newKeyId()], randomUUID())));
  });
  afterAll(async () => {
    await Promise.all([patient.stop(), hasty.stop()]);
    await store.close();
    await Promise.all([toDynamoDb.close(), toKms.close(), dynamoDb.close(), kms.close()]);
  });
  beforeEach(() => {
    services = patient;
    toDynamoDb.reset();
    toKms.reset();
  });
  afterEach(async () => {
    toDynamoDb.reset();
    toKms.reset();
    await untilIssued([newKeyId()], randomUUID());
  });

  const servicesWith = (environment: Record<string, string>) =>
    new RunningServices(
      { environment: { DYNAMODB_TABLE: table, KMS_KEY_ID: 'alias/latchkey' }, store: () => store },
      directory,
      environment,
    );

  /** What came of it: keys, or the code of the fault. */
  const attempt = async (keyIds: KeyId[], contentId: string, exchangeId: string = randomUUID()) => {
    const answer = await services.issue(keyIds, { contentId, exchangeId }).catch((error: unknown) => {
      if (!(error instanceof Fault)) throw error;
      return error.code;
    });
    return { answer, exchangeId };
  };
  const untilIssued = async (keyIds: KeyId[], contentId: string, counts: { retries: number } = { retries: 0 }) => {
    for (;;) {
      const { answer, exchangeId } = await attempt(keyIds, contentId);
      if (typeof answer !== 'string') return { keys: answer, exchangeId };
      expect(['UNAVAILABLE', 'DEADLINE_EXCEEDED']).toContain(answer);
      counts.retries++;
      // As over a network: whoever is refused at once does not come again at once.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it.each([
    ['answers are lost', { kind: 'dropResponse' }],
    ['answers never come', { kind: 'hangAfter' }],
    ['requests arrive twice', { kind: 'duplicate' }],
    ['requests fail', { kind: 'error', type: 'InternalServerError', status: 500 }],
    ['writes are throttled', { kind: 'error', type: 'ProvisionedThroughputExceededException' }],
  ] as const)('never makes a second key nor half a request when %s', async (_, fault) => {
    // promises 1, 3, 4, 19
    services = hasty;
    toDynamoDb.rules({ fault, action: /Transact|Batch/, probability: 0.3 });
    const issued = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const keyIds = [newKeyId(), newKeyId(), newKeyId()];
        const contentId = randomUUID();
        const first = await untilIssued(keyIds, contentId);
        const second = await untilIssued(keyIds, contentId);
        expect(second.keys.map(({ key }) => key)).toEqual(first.keys.map(({ key }) => key));
        return { keyIds, contentId, first, second };
      }),
    );
    toDynamoDb.reset();
    const records = await everyEvent(store);
    for (const { keyIds, contentId, first, second } of issued) {
      const again = await untilIssued(keyIds, contentId);
      expect(again.keys.map(({ key, created }) => [key, created])).toEqual(first.keys.map(({ key }) => [key, false]));
      const { rows } = await store.read({ tenant: 'default', contentId }, keyIds, soon());
      expect(rows.size).toBe(3);
      for (const { exchangeId } of [first, second]) {
        expect(
          records.filter((event) => 'exchangeId' in event.data && event.data.exchangeId === exchangeId),
        ).toHaveLength(1);
      }
      const made = records.filter(
        (event) => event.type === 'io.latchkey.key.issued.v1' && event.data.contentId === contentId,
      );
      expect(made).toHaveLength(1);
    }
  });

  it('asks DynamoDB once for known keys and twice for new ones, whatever their number, and once for the audit', async () => {
    const [known, made, permitted] = ['BatchWriteItem', 'TransactWriteItems', 'TransactWriteItems'];
    const expected = [
      { BatchGetItem: 1, [made]: 1 },
      { BatchGetItem: 1, [made]: 1 },
      { BatchGetItem: 1, [known]: 1 },
      // Made for DRM systems alone, and asked for with a clear-key system later: one call more to look for their permits.
      { BatchGetItem: 1, [made]: 1 },
      { BatchGetItem: 1, [known]: 1 },
      { BatchGetItem: 2, [permitted]: 1 },
      { BatchGetItem: 2, [known]: 1 },
    ];
    const count = async () => {
      const contentId = randomUUID();
      const counted = (keyIds: KeyId[], system: SystemId) => countCalls({ keyIds, contentId, systems: [system] });
      const { clearKeyAes128, widevine } = SYSTEM_IDS;
      const [clear, drmOnly] = [Array.from({ length: 64 }, newKeyId), Array.from({ length: 32 }, newKeyId)];
      return [
        await counted(clear.slice(0, 32), clearKeyAes128),
        await counted(clear, clearKeyAes128),
        await counted(clear, clearKeyAes128),
        await counted(drmOnly, widevine),
        await counted(drmOnly, widevine),
        await counted(drmOnly, clearKeyAes128),
        await counted(drmOnly, clearKeyAes128),
      ];
    };
    expect(await count()).toEqual(expected);
  });

  /** What one request asks of DynamoDB, when nothing else does. */
  async function countCalls({ keyIds, ...change }: { keyIds: KeyId[]; contentId: string; systems: SystemId[] }) {
    await eventually(async () => {
      toDynamoDb.requests.clear();
      await new Promise((resolve) => setTimeout(resolve, 100));
      return toDynamoDb.requests.size === 0;
    });
    await services.issue(keyIds, change);
    return Object.fromEntries([...toDynamoDb.requests].filter(([action]) => /Batch|Transact/.test(action)));
  }

  it('writes the audit of concurrent requests together', async () => {
    const keyId = newKeyId();
    const contentId = randomUUID();
    await untilIssued([keyId], contentId);
    toDynamoDb.requests.clear();
    await Promise.all(Array.from({ length: 100 }, () => untilIssued([keyId], contentId)));
    expect(toDynamoDb.requests.get('BatchWriteItem')).toBeLessThan(40);
  });

  it.each([
    ['hangs', { kind: 'hang' }],
    ['is cut off', { kind: 'down' }],
    ['answers errors', { kind: 'error', type: 'InternalServerError', status: 500 }],
    ['takes 5 s', { kind: 'delay', ms: 5_000 }],
    ['throttles', { kind: 'error', type: 'ThrottlingException' }],
    ['denies', { kind: 'error', type: 'AccessDeniedException' }],
  ] as const)(
    'says that it cannot when DynamoDB %s, within the time that its contract gives it, asks it at most twice, and heals',
    async (_, fault) => {
      // promises 23, 25
      expect(issueKeys.timeoutMs).toBe(2_000);
      services = hasty;
      const keyId = newKeyId();
      const contentId = randomUUID();
      await untilIssued([keyId], contentId);
      toDynamoDb.rules({ fault });
      for (let n = 0; n < 3; n++) {
        toDynamoDb.requests.clear();
        const { answer } = await attempt([keyId], contentId);
        expect(['UNAVAILABLE', 'DEADLINE_EXCEEDED']).toContain(answer);
        expect(toDynamoDb.requests.get('BatchGetItem') ?? 0).toBeLessThanOrEqual(2);
        expect(toDynamoDb.requests.get('TransactWriteItems') ?? 0).toBe(0);
      }
      toDynamoDb.reset();
      await untilIssued([keyId], contentId);
    },
  );

  it('gives out known keys while KMS is down, and makes no new ones under a data key it cannot get', async () => {
    // promise 28
    const keyId = newKeyId();
    const contentId = randomUUID();
    const { keys } = await untilIssued([keyId], contentId);
    toKms.rules({ fault: { kind: 'down' } });
    for (let n = 0; n < 5; n++) {
      const { answer } = await attempt([keyId], contentId);
      expect(answer).toMatchObject([{ key: keys[0]?.key }]);
    }
    // A tenant that has had no key yet has no data key either.
    const fresh = services.issue([newKeyId()], { tenant: 'other', contentId });
    await expect(fresh).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    toKms.reset();
    await eventually(() =>
      services.issue([newKeyId()], { tenant: 'other', contentId }).then(
        () => true,
        () => false,
      ),
    );
  });

  it('lets no key out when the audit cannot be written', async () => {
    // promise 20
    const keyId = newKeyId();
    const contentId = randomUUID();
    await untilIssued([keyId], contentId);
    toDynamoDb.rules({ fault: { kind: 'error', type: 'InternalServerError', status: 500 }, action: 'BatchWriteItem' });
    expect((await attempt([keyId], contentId)).answer).toBe('UNAVAILABLE');
    await expect(services.release([keyId], { contentId })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    toDynamoDb.reset();
    await untilIssued([keyId], contentId);
  });

  it('lets them out if that is what was configured', async () => {
    const lax = servicesWith({ AUDIT_FAIL_OPEN: 'true', AWS_ATTEMPT_MS: '30000' });
    await lax.start();
    const keyId = newKeyId();
    const contentId = randomUUID();
    const [issued] = await lax.issue([keyId], { contentId });
    toDynamoDb.rules({ fault: { kind: 'error', type: 'InternalServerError', status: 500 }, action: 'BatchWriteItem' });
    const [again] = await lax.issue([keyId], { contentId });
    expect(again?.key).toBe(issued?.key);
    toDynamoDb.reset();
    await lax.stop();
  });

  it('leaves nothing of a request of which one write failed', async () => {
    // promise 4
    const keyIds = Array.from({ length: 8 }, newKeyId);
    const contentId = randomUUID();
    toDynamoDb.rules({
      fault: { kind: 'error', type: 'TransactionCanceledException' },
      action: 'TransactWriteItems',
      first: 2,
    });
    expect((await attempt(keyIds, contentId)).answer).toBe('UNAVAILABLE');
    expect((await store.page({ tenant: 'default', contentId }, 10, undefined, soon())).rows).toEqual([]);
    const { keys } = await untilIssued(keyIds, contentId);
    expect(keys.every(({ created }) => created)).toBe(true);
  });

  it('counts what it asks of KMS: a handful for a thousand keys', async () => {
    toKms.requests.clear();
    for (let n = 0; n < 16; n++) await untilIssued(Array.from({ length: 64 }, newKeyId), randomUUID());
    const calls = [...toKms.requests.values()].reduce((sum, count) => sum + count, 0);
    expect(calls).toBeLessThanOrEqual(3);
  });
});

async function everyEvent(store: KeyStore): Promise<LatchkeyEvent[]> {
  const writers = await store.writers('all');
  const records = await Promise.all(writers.map(({ writer }) => store.recordsAfter(writer, 0, 100_000)));
  return records.flat().map(({ body }) => JSON.parse(body) as LatchkeyEvent);
}
