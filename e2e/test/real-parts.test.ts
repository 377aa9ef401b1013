import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import {
  dynamoDbLocalMissing,
  Encryptor,
  spekeFixture,
  startDynamoDbLocal,
  startKmsEndpoint,
  startNatsServer,
  type DynamoDbLocal,
  type KmsEndpoint,
  type NatsServer,
} from '@latchkey/testing';
import { startServices, startStandalone, type System } from './system';

const DOCUMENTS = ['v2/docs_vod_three_drms.xml', 'v2/rotation/period_7.xml', 'v2.1/scheme_sample_aes.xml'];
const CREATE_TABLE = join(__dirname, '../../apps/key-service/dist/create-table.js');

/** Skips loudly where a part is not installed, and fails in CI. */
const missing = dynamoDbLocalMissing();
if (missing && process.env['CI']) throw new Error(missing);
if (missing) console.warn(`skipped: ${missing}`);

(missing ? describe.skip : describe)('on DynamoDB and KMS', () => {
  let dynamodb: DynamoDbLocal;
  let kms: KmsEndpoint;
  let environment: Record<string, string>;
  let encryptor: Encryptor;
  const systems: System[] = [];
  const answers = new Map<string, string>();

  beforeAll(async () => {
    [dynamodb, kms, encryptor] = await Promise.all([startDynamoDbLocal(), startKmsEndpoint(), Encryptor.create()]);
    environment = {
      ...dynamodb.environment,
      ...kms.environment,
      DYNAMODB_TABLE: 'keys',
      KMS_KEY_ID: 'alias/latchkey',
      // DynamoDB Local is slow on a busy machine.
      AWS_ATTEMPT_MS: '10000',
      DELIVERY_BASE_URL: 'https://keys.example.com',
    };
    const env = { ...process.env, ...environment };
    execFileSync(process.execPath, [CREATE_TABLE, '--unprotected'], { env });
  });
  afterAll(async () => {
    for (const system of systems) system.removeData();
    await Promise.all([dynamodb.close(), kms.close()]);
  });

  it('separate services issue keys that KMS wraps', async () => {
    await withSystem(startServices({ environment }), async (system) => {
      for (const file of DOCUMENTS) answers.set(file, await ask(system, file));
      expect(kms.calls.GenerateDataKey).toBeGreaterThan(0);
    });
  });

  it('others, with no data of their own, answer the same from the table', async () => {
    await withSystem(startServices({ environment }), async (system) => {
      for (const file of DOCUMENTS) expect(await ask(system, file)).toBe(answers.get(file));
      expect(kms.calls.Decrypt).toBeGreaterThan(0);
    });
  });

  it('so does one process, on a real bus', async () => {
    const nats: NatsServer = await startNatsServer();
    try {
      const real = { ...environment, NATS_URL: nats.url };
      await withSystem(startStandalone({ environment: real }), async (system) => {
        for (const file of DOCUMENTS) expect(await ask(system, file)).toBe(answers.get(file));
      });
    } finally {
      await nats.stop();
    }
  });

  async function withSystem(starting: Promise<System>, use: (system: System) => Promise<void>): Promise<void> {
    const system = await starting;
    systems.push(system);
    try {
      await use(system);
    } finally {
      await system.stop();
    }
  }

  async function ask(system: System, file: string): Promise<string> {
    const version = file.startsWith('v2.1') ? '2.1' : '2.0';
    const reply = await encryptor.post(`${system.spekeUrl}/copyProtection`, spekeFixture(file), version);
    expect([reply.status, reply.status === 200 || reply.body]).toEqual([200, true]);
    return reply.body;
  }
});
