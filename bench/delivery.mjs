// Keys for players from memory, beside a bare Fastify route that gives 16 bytes to the same requests in the same run.
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { SignJWT } from 'jose';
import { option, table, takeTurns } from './measure.mjs';
import { startBare, startStandalone } from './systems.mjs';

const SECONDS = Number(option('seconds', '6'));
const ROUNDS = 3;
const CONNECTIONS = [1, 16];
/** Each viewer has a token of its own. */
const VIEWERS = 1_000;
const AES_128 = '3ea8778f-7742-4bf9-b18b-e834b2acbd47';

/** One address makes all requests here. */
const rateLimit = { perAddressPerMinute: 1_000_000_000, perTokenPerMinute: 1_000_000_000 };
const secret = randomBytes(32);
const written = secret.toString('base64url');
const expires = Math.floor(Date.now() / 1_000) + 3_600;
const contentId = `bench-${randomUUID()}`;
const keyId = randomUUID();
const path = `/keys/default/${contentId}/${keyId}`;

const ENTITLEMENTS = {
  'JWT (HS256)': {
    entitlement: {
      mode: 'jwt',
      algorithms: ['HS256'],
      secrets: [{ secret: written }],
      issuer: 'https://bench.example',
      audience: 'keys',
    },
    requests: await Promise.all(Array.from({ length: VIEWERS }, (_, at) => withToken(`viewer-${at}`))),
  },
  'signed URL': {
    entitlement: { mode: 'signed-url', secrets: [{ kid: 'k1', secret: written }] },
    requests: [{ path: `${path}?expires=${expires}&signer=k1&signature=${signature()}` }],
  },
  open: { entitlement: { mode: 'open' }, requests: [{ path }] },
};

const bare = await startBare();
const rows = [];
let failures = 0;
try {
  for (const [name, { entitlement, requests }] of Object.entries(ENTITLEMENTS))
    await measure(name, entitlement, requests);
} finally {
  await bare.stop();
}
console.log(
  table(['', 'conn', 'req/s', 'p50 ms', 'p99 ms', 'CPU ms', 'bare req/s', 'of bare', 'bare CPU ms', 'by CPU'], rows),
);
if (failures > 0) {
  console.error(`${failures} requests were not answered 200`);
  process.exitCode = 1;
}

async function measure(name, entitlement, requests) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  const tenants = join(folder, 'tenants.json');
  writeFileSync(tenants, JSON.stringify({ tenants: [{ id: 'default', delivery: { entitlement, rateLimit } }] }));
  const bareRequests = requests.map((request) => ({ ...request, path: '/bytes/16' }));
  const system = await startStandalone({ TENANTS_FILE: tenants });
  try {
    await issue(system);
    await warmUp(bare.url, bareRequests);
    await warmUp(system.deliveryUrl, requests);
    for (const connections of CONNECTIONS) {
      const each = { connections, seconds: SECONDS / ROUNDS };
      const [floor, result] = await takeTurns(
        [
          { ...each, url: bare.url, request: inTurn(bareRequests), processes: bare.processes },
          { ...each, url: system.deliveryUrl, request: inTurn(requests), processes: system.processes },
        ],
        ROUNDS,
      );
      failures += result.failed;
      if (result.example) console.error(`${name}: status ${result.example}`);
      rows.push(row(name, connections, result, floor));
      console.log(rows.at(-1).join('  '));
    }
  } finally {
    await system.stop();
    rmSync(folder, { recursive: true });
  }
}

/** By number, not by time: a process that has just started compiles more than it serves, the longer the busier the machine. */
async function warmUp(url, requests) {
  await autocannon({ url, connections: 16, amount: 40_000, requests: [inTurn(requests)] });
}

function inTurn(requests) {
  let at = 0;
  return { method: 'GET', setupRequest: (request) => ({ ...request, ...requests[at++ % requests.length] }) };
}

async function withToken(subject) {
  const token = await new SignJWT({ contentId })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(subject)
    .setIssuer('https://bench.example')
    .setAudience('keys')
    .setExpirationTime(expires)
    .sign(secret);
  return { path, headers: { authorization: `Bearer ${token}` } };
}

function signature() {
  const lines = ['latchkey-url-v1', 'default', contentId, keyId, expires, ''];
  return createHmac('sha256', secret).update(lines.join('\n')).digest('base64url');
}

/** As an encryptor has a key made. */
async function issue({ spekeUrl }) {
  const response = await fetch(`${spekeUrl}/copyProtection`, {
    method: 'POST',
    headers: { 'content-type': 'application/xml', 'x-speke-version': '2.0' },
    body: `<cpix:CPIX contentId="${contentId}" version="2.3" xmlns:cpix="urn:dashif:org:cpix" xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc">
  <cpix:ContentKeyList><cpix:ContentKey kid="${keyId}" commonEncryptionScheme="cbc1"/></cpix:ContentKeyList>
  <cpix:DRMSystemList><cpix:DRMSystem kid="${keyId}" systemId="${AES_128}"><cpix:HLSSignalingData playlist="media"/><cpix:HLSSignalingData playlist="master"/></cpix:DRMSystem></cpix:DRMSystemList>
  <cpix:ContentKeyUsageRuleList><cpix:ContentKeyUsageRule kid="${keyId}" intendedTrackType="VIDEO"><cpix:VideoFilter/></cpix:ContentKeyUsageRule></cpix:ContentKeyUsageRuleList>
</cpix:CPIX>`,
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

function row(name, connections, result, floor) {
  return [
    name,
    connections,
    result.rate.toFixed(0),
    ...['p50', 'p99', 'cpuMs'].map((field) => result[field].toFixed(3)),
    floor.rate.toFixed(0),
    percent(result.rate / floor.rate),
    floor.cpuMs.toFixed(3),
    percent(floor.cpuMs / result.cpuMs),
  ];
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
