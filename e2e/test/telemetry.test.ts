import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually, Encryptor, freePort, SPEKE_2_SYSTEMS, type DocumentWish } from '@latchkey/testing';
import { answered } from './answered';
import { findKeys } from './key-forms';
import { describeWith } from './parts';
import { startServices, startStandalone, type System, type SystemOptions } from './system';

const { clearKeyAes128: _, ...DRM } = SPEKE_2_SYSTEMS;

describe('one exchange in standalone', () => itIsOneTrace(startStandalone));
describeWith(['nats-server'])('one exchange over services on NATS', () => itIsOneTrace(startServices));

// Its counters lie in two threads.
test('standalone shows the metrics of all its services in one place', async () => {
  const HEALTH_PORT = String(await freePort());
  const system = await startStandalone({ environment: { METRICS: 'prometheus', HEALTH_PORT, THREADS: '2' } });
  try {
    const keys = [{ keyId: randomUUID(), scheme: 'cbcs' }] as const;
    const wish = { version: '2.0', contentId: 'film', keys, systems: Object.values(DRM) } as const;
    await answered(system, await Encryptor.create(), wish);
    const metrics = async () => (await fetch(`http://127.0.0.1:${HEALTH_PORT}/metrics`)).text();
    // The first is key-service's, the second the gateway's.
    for (const name of ['latchkey_keys_issued_total', 'latchkey_exchanges_total']) {
      await eventually(async () =>
        new RegExp(`^${name}\\{[^}]*tenant="default"[^}]*\\} 1\\b`, 'm').test(await metrics()),
      );
    }
  } finally {
    await system.stop();
    system.removeData();
  }
});

test("what a DRM system said is said again by the gateway, for each of Latchkey's own", async () => {
  const HEALTH_PORT = String(await freePort());
  const system = await startStandalone({ environment: { METRICS: 'prometheus', HEALTH_PORT } });
  try {
    const encryptor = await Encryptor.create();
    const ask = (contentId: string, scheme: 'cbcs' | 'cbc1', systems: DocumentWish['systems']): DocumentWish => ({
      version: '2.0',
      contentId,
      keys: [{ keyId: randomUUID(), scheme }],
      systems,
    });
    const wishes = [ask('film', 'cbcs', Object.values(DRM)), ask('clip', 'cbc1', [SPEKE_2_SYSTEMS.clearKeyAes128])];
    for (const wish of wishes) {
      const [first, second] = [await answered(system, encryptor, wish), await answered(system, encryptor, wish)];
      expect(second.systems).toEqual(first.systems);
    }
    const metrics = async () => (await fetch(`http://127.0.0.1:${HEALTH_PORT}/metrics`)).text();
    for (const { systemId } of Object.values(SPEKE_2_SYSTEMS)) {
      const hit = new RegExp(`^latchkey_signaling_cache_total\\{(?=[^}]*${systemId})(?=[^}]*hit)[^}]*\\} 1\\b`, 'm');
      await eventually(async () => hit.test(await metrics()));
    }
  } finally {
    await system.stop();
    system.removeData();
  }
});

function itIsOneTrace(start: (options: SystemOptions) => Promise<System>): void {
  let collector: Server;
  let system: System;
  const received: Buffer[] = [];

  beforeAll(async () => {
    collector = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (request.url === '/v1/traces') received.push(Buffer.concat(chunks));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    }).listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const { port } = collector.address() as AddressInfo;
    const OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`;
    system = await start({
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_BSP_SCHEDULE_DELAY: '200', LOG_LEVEL: 'info' },
    });
  });
  afterAll(async () => {
    await system?.stop();
    system?.removeData();
    collector.close();
  });

  // promise 9
  it('is one trace over HTTP and every hop of the bus, with its content and key IDs and no key; its log line names it', async () => {
    const encryptor = await Encryptor.create();
    const contentId = `trace-${randomUUID()}`;
    const keyId = randomUUID();
    const wish = { version: '2.0', contentId, keys: [{ keyId, scheme: 'cbcs' }], systems: Object.values(DRM) } as const;
    const { keys } = await answered(system, encryptor, wish);
    const traceId = await traceOf(contentId);
    const names = ['POST ', 'keys.v1.issue', ...Object.values(DRM).map(({ systemId }) => `signaling.v1.${systemId}`)];
    const spans = () => Buffer.concat(received);
    // The server's, and for each question on the bus the asker's and the answerer's.
    await eventually(() => occurrences(spans(), Buffer.from(traceId, 'hex')) >= 1 + 2 * (1 + Object.keys(DRM).length));
    for (const name of [...names, contentId, keyId]) expect(spans().includes(name)).toBe(true);
    const told = Buffer.concat([spans(), Buffer.from(system.output())]);
    expect(keys.flatMap(({ key }) => findKeys(told, [key]))).toEqual([]);
  });

  async function traceOf(contentId: string): Promise<string> {
    const line = () =>
      system
        .output()
        .split('\n')
        .find((each) => each.includes(contentId) && each.includes('"traceId"'));
    await eventually(() => line() !== undefined);
    return (JSON.parse(line() as string) as { traceId: string }).traceId;
  }
}

function occurrences(bytes: Buffer, wanted: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) count++;
  return count;
}
