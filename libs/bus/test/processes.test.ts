import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { sealingKey } from '@latchkey/messages';
import { ensureBuilt, eventually, natsServerPresent, startNatsServer, type NatsServer } from '@latchkey/testing';
import { connectBus, type BusConnection } from '@latchkey/bus';
import { contextOf, inMs } from './bus-under-test';

const HERE = join(__dirname, '..');

/** A service that answers slowly with its own name: what the main.ts of an app does, as JavaScript. */
const SERVICE = `
  const { Answers, runOnBus, startAnswering } = require('@latchkey/bus');
  const { sealingKey } = require('@latchkey/messages');
  const { Controller, Module } = require('@nestjs/common');
  class Answerer {
    async answer() {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { publicKey: process.env.ANSWER };
    }
  }
  Controller()(Answerer);
  Answers(sealingKey)(Answerer.prototype, 'answer', Object.getOwnPropertyDescriptor(Answerer.prototype, 'answer'));
  class AnswererModule {}
  Module({ controllers: [Answerer] })(AnswererModule);
  runOnBus('key-service', async (context, connection) => {
    const service = await startAnswering(AnswererModule, connection, context);
    return { name: context.name, checks: [], close: () => service.close() };
  });`;

(natsServerPresent() ? describe : describe.skip)('services in processes of their own', () => {
  let server: NatsServer;
  let asker: BusConnection;
  beforeAll(async () => {
    ensureBuilt(HERE);
    server = await startNatsServer();
    asker = await connectBus(contextOf('asker', { NATS_URL: server.url, BUS_PATIENCE: '30' }));
  });
  afterAll(async () => {
    await asker.close();
    await server.stop();
  });

  function start(answer: string) {
    const env = {
      PATH: process.env['PATH'],
      NATS_URL: server.url,
      ANSWER: answer,
      HEALTH_PORT: '0',
      BUS_PATIENCE: '30',
    };
    const child = spawn(process.execPath, ['-e', SERVICE], { cwd: HERE, env });
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    child.stderr.on('data', (text: Buffer) => (output += text.toString()));
    const started = eventually(
      () => output.includes('"msg":"started"'),
      () => `the start of ${answer}, which says ${output},`,
    );
    const exited = once(child, 'exit').then(([code]) => code as number | null);
    return { child, started, exited, health: () => /"health":"([^"]+)"/.exec(output)![1]! };
  }

  const ask = () => asker.ask(sealingKey, {}, inMs(60_000)).then(({ publicKey }) => publicKey);

  // promise 27
  test('share requests, and lose none when one is told to stop and another takes its place', async () => {
    const first = start('aaaa');
    const second = start('bbbb');
    await Promise.all([first.started, second.started]);
    const answers: Promise<string>[] = [];
    const third = start('cccc');
    for (let n = 0; n < 300; n++) {
      answers.push(ask());
      if (n === 50) first.child.kill('SIGTERM');
      if (n === 150) await third.started;
      if (n === 200) second.child.kill('SIGTERM');
      if (n % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['aaaa', 'bbbb', 'cccc']));
    expect(await Promise.all([first.exited, second.exited])).toEqual([0, 0]);
    third.child.kill('SIGTERM');
    expect(await third.exited).toBe(0);
  });

  // promises 24, 27
  test('are ready while the bus is there, not ready while it is not, and alive all the time', async () => {
    const service = start('aaaa');
    await service.started;
    const status = async (path: string) => (await fetch(`${service.health()}${path}`)).status;
    expect(await status('/readyz')).toBe(200);
    await server.kill();
    await eventually(async () => (await status('/readyz')) === 503);
    expect(await status('/healthz')).toBe(200);
    await server.restart();
    await eventually(async () => (await status('/readyz')) === 200);
    await eventually(() => asker.connected);
    expect(await ask()).toBe('aaaa');
    service.child.kill('SIGTERM');
    expect(await service.exited).toBe(0);
  });

  test('told to stop while the bus is away, stop all the same', async () => {
    const service = start('aaaa');
    await service.started;
    await server.kill();
    service.child.kill('SIGTERM');
    expect(await service.exited).toBe(0);
    await server.restart();
  });
});
