import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ensureBuilt, eventually, freePort } from '@latchkey/testing';

const HERE = join(__dirname, '..');
const children: ChildProcess[] = [];
// Processes run what is built.
beforeAll(() => ensureBuilt(HERE));
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

/** A process whose service is that code: `service` and `context` are there. */
function run(code: string, environment: Record<string, string> = {}) {
  const script = `
    const { runProcess, readEnvironment, port, instruments } = require('@latchkey/runtime');
    const { z } = require(require.resolve('zod', { paths: [${JSON.stringify(HERE)}] }));
    const service = { name: 'test', checks: [], close: async () => console.log('closed') };
    setInterval(() => {}, 1000); // as a server would, it goes on
    runProcess('test', async (context) => { ${code} });`;
  const child = spawn(process.execPath, ['-e', script], {
    cwd: HERE,
    env: { PATH: process.env['PATH'], ...environment },
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  const exited = once(child, 'close').then(([code]) => code as number);
  const says = (text: string) =>
    eventually(
      () => {
        if (!output.includes(text) && child.exitCode !== null) throw new Error(`ended without ${text}: ${output}`);
        return output.includes(text);
      },
      () => `${text} in ${output}`,
    );
  return { child, exited, says, output: () => output };
}

describe('a process', () => {
  test('whose configuration is wrong says so without a stack and exits 78', async () => {
    const process = run('readEnvironment(z.object({ SPEKE_PORT: port }), context.environment)', { SPEKE_PORT: 'http' });
    expect(await process.exited).toBe(78);
    expect(process.output()).toBe('The environment is not right:\n  SPEKE_PORT must be a number\n');
  });

  test('whose log level is wrong says so and exits 78', async () => {
    const process = run('return service', { LOG_LEVEL: 'loud' });
    expect(await process.exited).toBe(78);
    expect(process.output()).toContain('LOG_LEVEL must be one of');
  });

  test('whose port is taken, or whose directory cannot be made, says so in a line', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const second = run(`const server = require('node:http').createServer().listen(${port}, '127.0.0.1');
      await new Promise((_, refused) => server.once('error', refused));`);
    expect(await second.exited).toBe(1);
    expect(second.output()).toMatch(new RegExp(`^127\\.0\\.0\\.1:${port} is taken by another process`, 'm'));
    taken.close();

    const nowhere = run("require('node:fs').mkdirSync(process.execPath + '/x')");
    expect(await nowhere.exited).toBe(1);
    expect(nowhere.output()).toMatch(
      /^ENOTDIR: .*: look at the variable that names this path, DATA_DIR if none does\.$/m,
    );
  });

  test('that cannot start logs why and exits 1', async () => {
    const process = run("throw new Error('no table')");
    expect(await process.exited).toBe(1);
    expect(JSON.parse(process.output())).toMatchObject({
      level: 60,
      msg: 'could not start',
      err: { message: 'no table' },
    });
  });

  // promise 27
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'told to stop by %s is first not ready, then closed, and exits 0',
    async (signal) => {
      const process = run('return service', { HEALTH_PORT: '0', SHUTDOWN_DELAY_MS: '2000' });
      await process.says('"msg":"started"');
      const url = /"health":"([^"]+)"/.exec(process.output())![1]!;
      expect(await statusOf(`${url}/healthz`)).toBe(200);
      expect(await statusOf(`${url}/readyz`)).toBe(200);
      process.child.kill(signal);
      await process.says('stopping');
      expect(await statusOf(`${url}/readyz`)).toBe(503);
      expect(await statusOf(`${url}/healthz`)).toBe(200);
      expect(process.output()).not.toContain('closed');
      expect(await process.exited).toBe(0);
      expect(process.output()).toContain('closed');
    },
  );

  test('told to stop while it is still starting ends at once', async () => {
    const process = run("console.log('starting'); await new Promise(() => {})");
    await process.says('starting');
    process.child.kill('SIGTERM');
    expect(await process.exited).toBe(0);
  });

  test('that does not stop is cut within 10 s', async () => {
    const process = run('return { ...service, close: () => new Promise(() => {}) }');
    await process.says('"msg":"started"');
    process.child.kill('SIGTERM');
    expect(await process.exited).toBe(1);
    expect(process.output()).toContain('did not stop within 9000 ms');
  });

  test('with an error that nobody caught logs it and exits 1', async () => {
    const process = run("setTimeout(() => Promise.reject(new Error('forgotten')), 10); return service");
    expect(await process.exited).toBe(1);
    expect(process.output()).toContain('"msg":"an error that nobody caught"');
    expect(process.output()).toContain('forgotten');
  });

  test('is ready when its parts work, and alive while it is starting', async () => {
    const port = await freePort();
    const process = run(
      `let good = false;
       process.on('SIGUSR2', () => (good = true));
       await new Promise((resolve) => process.once('SIGUSR1', resolve));
       return { ...service, checks: [{ name: 'store', check: () => good }, { name: 'kms', check: async () => true }] }`,
      { HEALTH_PORT: String(port) },
    );
    const url = `http://127.0.0.1:${port}`;
    await eventually(async () => (await statusOf(`${url}/healthz`)) === 200);
    expect(await statusOf(`${url}/readyz`)).toBe(503);
    process.child.kill('SIGUSR1');
    await process.says('"msg":"started"');
    expect(await statusOf(`${url}/readyz`)).toBe(503);
    await process.says('"check":"store"');
    process.child.kill('SIGUSR2');
    await eventually(async () => (await statusOf(`${url}/readyz`)) === 200);
    expect(await statusOf(`${url}/metrics`)).toBe(404);
  });

  test('serves metrics to Prometheus beside its health', async () => {
    const process = run("instruments.keysIssued.add(3, { tenant: 'default' }); return service", {
      METRICS: 'prometheus',
      HEALTH_PORT: '0',
    });
    await process.says('"msg":"started"');
    const url = /"health":"([^"]+)"/.exec(process.output())![1]!;
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
      /^latchkey_keys_issued_total\{tenant="default".*\} 3/m,
    );
  });

  test('without telemetry loads nothing of OpenTelemetry but its API', async () => {
    const process = run(
      "console.log(Object.keys(require.cache).filter((file) => file.includes('@opentelemetry/') && !file.includes('@opentelemetry/api/')).length + ' of the SDK'); return service",
    );
    await process.says('0 of the SDK');
  });
});

describe('a process with a collector', () => {
  let collector: Server;
  const received: { url: string; body: string }[] = [];
  beforeAll(async () => {
    collector = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      received.push({ url: request.url ?? '', body: Buffer.concat(chunks).toString('latin1') });
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    }).listen(0, '127.0.0.1');
    await once(collector, 'listening');
  });
  afterAll(() => collector.close());

  test('sends it spans, those of AWS calls too, and metrics, the last ones when it stops', async () => {
    const { port } = collector.address() as AddressInfo;
    const process = run(
      `const { trace } = require('@opentelemetry/api');
       trace.getTracer('test').startSpan('a span of ours').end();
       instruments.keysIssued.add(1, { tenant: 'default' });
       const { DynamoDBClient, GetItemCommand } = require('@aws-sdk/client-dynamodb');
       const client = new DynamoDBClient({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:1', maxAttempts: 1,
         credentials: { accessKeyId: 'a', secretAccessKey: 'c2VjcmV0' } });
       await client.send(new GetItemCommand({ TableName: 't', Key: { pk: { S: 'c2VjcmV0' } } })).catch(() => {});
       return service`,
      { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}/` },
    );
    await process.says('"msg":"started"');
    process.child.kill('SIGTERM');
    expect(await process.exited).toBe(0);
    expect(bodyOf('/v1/traces')).toContain('a span of ours');
    expect(bodyOf('/v1/traces')).toContain('DynamoDB.GetItem');
    expect(bodyOf('/v1/traces')).not.toContain('c2VjcmV0');
    expect(bodyOf('/v1/metrics')).toContain('latchkey.keys.issued');
  });

  test('stops well when the collector is away', async () => {
    const process = run("require('@opentelemetry/api').trace.getTracer('t').startSpan('lost').end(); return service", {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    });
    await process.says('"msg":"started"');
    process.child.kill('SIGTERM');
    expect(await process.exited).toBe(0);
  });

  function bodyOf(url: string): string {
    return received
      .filter((each) => each.url === url)
      .map(({ body }) => body)
      .join();
  }
});

async function statusOf(url: string): Promise<number> {
  return fetch(url).then(
    ({ status }) => status,
    () => 0,
  );
}
