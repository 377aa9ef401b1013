// SPEKE requests through the whole system, beside a bare Fastify route that takes and gives bodies of the same size in the
// same run: absolute rates wander with the machine, the ratio and the CPU time do not.
import { spekeRequest } from './documents.mjs';
import { option, table, takeTurns, warmUp } from './measure.mjs';
import { startBare, startServices, startStandalone } from './systems.mjs';

const SECONDS = Number(option('seconds', '6'));
const ROUNDS = 3;
const SYSTEMS = { standalone: startStandalone, 'services on NATS': startServices };
const ONLY = option('system');
/** V8 goes on compiling for about so long. A service runs for weeks. */
const WARM_UP = 20_000;
const SIZES = [
  { keys: 2, systems: 1 },
  { keys: 2, systems: 3 },
  { keys: 8, systems: 3 },
];
const HEADERS = { 'content-type': 'application/xml', 'x-speke-version': '2.0' };

const bare = await startBare();
const rows = [];
let failures = 0;
try {
  for (const [name, start] of Object.entries(SYSTEMS)) {
    if (ONLY && !name.startsWith(ONLY)) continue;
    const system = await start();
    try {
      await warm(system);
      for (const size of SIZES) for (const connections of [1, 16]) await measure(name, system, size, connections);
    } finally {
      await system.stop();
    }
  }
} finally {
  await bare.stop();
}
console.log(table(['', 'keys', 'conn', 'req/s', 'p50 ms', 'p99 ms', 'CPU ms', 'bare req/s', 'of bare'], rows));
if (failures > 0) {
  console.error(`${failures} requests were not answered 200`);
  process.exitCode = 1;
}

async function warm(system) {
  const requests = SIZES.flatMap(({ keys, systems }) => {
    const known = { method: 'POST', headers: HEADERS, body: spekeRequest(keys, systems) };
    return [known, { ...known, setupRequest: (each) => ({ ...each, body: spekeRequest(keys, systems) }) }];
  });
  await warmUp({ url: `${system.spekeUrl}/copyProtection`, requests, count: WARM_UP });
}

async function measure(name, running, { keys, systems }, connections) {
  const known = spekeRequest(keys, systems);
  const answer = await ask(running, known);
  const each = { connections, seconds: SECONDS / ROUNDS };
  const system = { ...each, url: `${running.spekeUrl}/copyProtection`, processes: running.processes };
  const request = { method: 'POST', headers: HEADERS, body: known };
  const [floor, ...results] = await takeTurns(
    [
      {
        ...each,
        url: `${bare.url}/bytes/${answer.length}`,
        request: { method: 'POST', headers: { 'content-type': 'application/xml' }, body: known },
        processes: bare.processes,
      },
      { ...system, request },
      { ...system, request, next: () => spekeRequest(keys, systems) },
    ],
    ROUNDS,
  );
  for (const [at, kind] of ['known', 'new'].entries()) {
    const result = results[at];
    failures += result.failed;
    if (result.example) console.error(`${name} ${keys} × ${systems} ${kind}: status ${result.example}`);
    rows.push(row(`${name}, ${keys} × ${systems}`, kind, connections, result, floor));
    console.log(`${rows.at(-1).join('  ')}${shares(result.cpu)}`);
  }
}

function row(name, kind, connections, { rate, p50, p99, cpuMs }, floor) {
  const share = `${((100 * rate) / floor.rate).toFixed(1)} %`;
  return [
    name,
    kind,
    connections,
    rate.toFixed(0),
    ...[p50, p99, cpuMs].map((ms) => ms.toFixed(2)),
    floor.rate.toFixed(0),
    share,
  ];
}

function shares(cpu) {
  return cpu.size < 2 ? '' : `  (${[...cpu].map(([name, ms]) => `${name} ${ms.toFixed(2)}`).join(', ')})`;
}

async function ask(system, document) {
  const answer = await fetch(`${system.spekeUrl}/copyProtection`, { method: 'POST', headers: HEADERS, body: document });
  const body = Buffer.from(await answer.arrayBuffer());
  if (answer.status !== 200) throw new Error(`${answer.status} ${body}`);
  return body;
}
