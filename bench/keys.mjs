// Content keys without HTTP and bus: what the key service itself costs, on the embedded store with a key file, and on DynamoDB
// Local with a KMS endpoint of our own (their time is that of a Java process and of no network).
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { option, table } from './measure.mjs';

const SECONDS = Number(option('seconds', '4'));
const KEYS_IN_ONE_REQUEST = [2, 8];
const AT_ONCE = 16;
const KNOWN_REQUESTS = 500;
const DEADLINE_MS = 10_000;

const require = createRequire(import.meta.url);
const { MemoryHub, Deadline } = require('../libs/bus/dist/index.js');
const { SealingPair } = require('../libs/messages/dist/index.js');
const { createContext } = require('../libs/runtime/dist/index.js');
const { defaultTenant, TenantList } = require('../libs/tenants/dist/index.js');
const {
  dynamoDbLocalMissing,
  startDynamoDbLocal,
  startFaultProxy,
  startKmsEndpoint,
} = require('../libs/testing/dist/index.js');
const { readKeyServiceConfig } = require('../apps/key-service/dist/config.js');
const { openKeyServiceParts } = require('../apps/key-service/dist/key-service-parts.js');

const pair = new SealingPair();
const rows = [];
await onEmbeddedStore();
await onAws();
console.log(
  table(
    [
      'store',
      'keys',
      'asked',
      'keys/s',
      'p50 ms',
      'p99 ms',
      'CPU µs/request',
      'store calls/request',
      'KMS calls/1,000 keys',
    ],
    rows,
  ),
);

async function onEmbeddedStore() {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  await measure('embedded, key file', { DATA_DIR: directory }, { requests: () => 0 });
  rmSync(directory, { recursive: true, force: true });
}

async function onAws() {
  const missing = dynamoDbLocalMissing();
  if (missing) return console.error(missing);
  const [dynamoDb, kms] = await Promise.all([startDynamoDbLocal(), startKmsEndpoint()]);
  // A proxy that makes no faults counts what really goes over the wire.
  const proxy = await startFaultProxy(dynamoDb.endpoint);
  Object.assign(process.env, dynamoDb.environment, kms.environment, { AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint });
  const name = `bench-${randomUUID()}`;
  await createTable(name);
  await measure(
    'DynamoDB Local, KMS endpoint',
    { DYNAMODB_TABLE: name, KMS_KEY_ID: 'alias/latchkey' },
    { requests: () => [...proxy.requests.values()].reduce((sum, count) => sum + count, 0) },
  );
  await Promise.all([proxy.close(), kms.close(), dynamoDb.close()]);
}

async function createTable(name) {
  const requireOfService = createRequire(new URL('../apps/key-service/package.json', import.meta.url));
  const { DynamoDBClient } = requireOfService('@aws-sdk/client-dynamodb');
  const { createKeyTable } = require('../apps/key-service/dist/store/dynamodb-table.js');
  const client = new DynamoDBClient({});
  await createKeyTable(client, name, { deletionProtection: false, pointInTimeRecovery: false });
  client.destroy();
}

async function measure(name, environment, wire) {
  const context = createContext('key-service', { LOG_LEVEL: 'error', ...environment });
  const connection = new MemoryHub().connect(context);
  const tenants = new TenantList('built-in', [defaultTenant()]);
  const parts = openKeyServiceParts(readKeyServiceConfig(context.environment), tenants, context, connection);
  const kmsCalls = () => parts.wrapper.calls.generated + parts.wrapper.calls.decrypted;
  for (const keys of KEYS_IN_ONE_REQUEST) {
    const known = Array.from({ length: KNOWN_REQUESTS }, () => newRequest(keys));
    for (const request of known) await issueInTheEnd(parts, request);
    const questions = { known: (at) => again(known[at % known.length]), new: () => newRequest(keys) };
    for (const [asked, next] of Object.entries(questions)) {
      await drive(parts, next, SECONDS / 3);
      const before = { wire: wire.requests(), kms: kmsCalls() };
      const { count, elapsed, times, cpuUs } = await drive(parts, next, SECONDS);
      rows.push([
        name,
        keys,
        asked,
        Math.round((count * keys) / elapsed),
        percentile(times, 0.5).toFixed(2),
        percentile(times, 0.99).toFixed(2),
        Math.round(cpuUs / count),
        environment.DYNAMODB_TABLE ? ((wire.requests() - before.wire) / count).toFixed(2) : 'in process',
        ((1_000 * (kmsCalls() - before.kms)) / (count * keys)).toFixed(3),
      ]);
    }
  }
  await parts.close();
}

async function drive(parts, next, seconds) {
  const times = [];
  const until = performance.now() + seconds * 1_000;
  const began = performance.now();
  const cpu = process.cpuUsage();
  let at = 0;
  const ask = async () => {
    while (performance.now() < until) {
      const start = performance.now();
      await issueInTheEnd(parts, next(at++));
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  const { user, system } = process.cpuUsage(cpu);
  return { times, count: times.length, elapsed: (performance.now() - began) / 1_000, cpuUs: user + system };
}

/** DynamoDB Local on a busy machine is now and then slower than the service's limits allow. */
async function issueInTheEnd(parts, request) {
  for (;;) {
    try {
      return await parts.issuer.issue(request, { deadline: Deadline.in(DEADLINE_MS) });
    } catch (error) {
      if (!error.retryable) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function newRequest(keys) {
  return {
    tenant: 'default',
    contentId: `bench-${randomUUID()}`,
    exchangeId: randomUUID(),
    spekeVersion: '2.0',
    requester: { encryptorId: 'bench' },
    keys: Array.from({ length: keys }, () => ({ keyId: randomUUID(), scheme: 'cbcs', needsExplicitIv: true })),
    systems: ['edef8ba9-79d6-4ace-a3c8-27dcd51d21ed'],
    delivery: { kind: 'sealed', publicKey: pair.publicKey },
  };
}

function again(request) {
  return { ...request, exchangeId: randomUUID() };
}

function percentile(times, share) {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
