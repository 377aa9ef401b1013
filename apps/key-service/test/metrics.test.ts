import { Deadline } from '@latchkey/bus';
import { keyIssued, keyRefused, keyReissued } from '@latchkey/messages';
import { createLogger, startTelemetry, type Telemetry } from '@latchkey/runtime';
import { countKeys } from '../src/audit/count-keys';
import { GuardedCalls } from '../src/aws/guarded-calls';

const logger = createLogger('test', { LOG_LEVEL: 'silent' });

describe('what is measured', () => {
  let telemetry: Telemetry;
  beforeEach(async () => {
    telemetry = await startTelemetry('key-service', 'i1', { METRICS: 'prometheus', HEALTH_PORT: '0' });
  });
  afterEach(() => telemetry.close());

  test('of keys: as many as a durable record tells of, by tenant', async () => {
    countKeys([
      record(keyIssued.type, { tenant: 'acme', keys: [{}, {}] }),
      record(keyReissued.type, { tenant: 'acme', keys: [{}] }),
      record(keyIssued.type, { tenant: 'other', keys: [{}] }),
      record(keyRefused.type, { tenant: 'acme', keyIds: ['k'] }),
    ]);
    const text = await telemetry.exposition!();
    expect(text).toMatch(/^latchkey_keys_issued_total\{tenant="acme".*\} 2$/m);
    expect(text).toMatch(/^latchkey_keys_issued_total\{tenant="other".*\} 1$/m);
    expect(text).toMatch(/^latchkey_keys_reissued_total\{tenant="acme".*\} 1$/m);
  });

  test('of a part that dies: its calls, throttles and the state of its breaker', async () => {
    const store = new GuardedCalls('the key store', 'keys', logger);
    const kms = new GuardedCalls('the master key', 'kms', logger);
    await kms.run('Decrypt', Deadline.in(60_000), async () => 'plaintext');
    await expect(
      store.run('PutItem', Deadline.in(60_000), () => Promise.reject(named('ThrottlingException', 'client'))),
    ).rejects.toThrow();
    for (let n = 0; n < 8; n++) {
      await expect(
        store.run('GetItem', Deadline.in(60_000), () => Promise.reject(named('TimeoutError'))),
      ).rejects.toThrow();
    }
    const text = await telemetry.exposition!();
    expect(text).toMatch(/^latchkey_kms_calls_total\{operation="Decrypt",outcome="ok".*\} 1$/m);
    expect(text).toMatch(/^latchkey_store_throttles_total\{store="keys".*\} 1$/m);
    expect(text).toMatch(/^latchkey_store_duration_count\{store="keys",operation="GetItem",outcome="failed".*\} 8$/m);
    expect(text).toMatch(/^latchkey_breaker_state\{part="keys".*\} 2$/m);
    expect(text).toMatch(/^latchkey_breaker_state\{part="kms".*\} 0$/m);
  });
});

function record(type: string, data: object) {
  const event = { id: 'w.1', type, data };
  return { writer: 'w', sequence: 1, body: '', mac: Buffer.alloc(0), event };
}

function named(name: string, fault?: string): Error {
  return Object.assign(new Error('no'), { name, ...(fault && { $fault: fault }) });
}
