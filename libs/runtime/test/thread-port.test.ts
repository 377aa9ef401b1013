import { MessageChannel } from 'node:worker_threads';
import { EnvironmentError, ThreadPort, ThreadPortClosed } from '@latchkey/runtime';

describe('a port between two threads', () => {
  let [here, there]: ThreadPort[] = [];
  let texts: string[];

  beforeEach(() => {
    const { port1, port2 } = new MessageChannel();
    texts = [];
    port2.on('message', (text: string) => texts.push(text));
    here = new ThreadPort(port1);
    there = new ThreadPort(port2);
  });
  afterEach(() => here!.close());

  test('lets each end call the other', async () => {
    here!.serve('double', (n: number) => 2 * n);
    there!.serve('shout', async ({ text }: { text: string }) => `${text.toUpperCase()}!`);
    expect(await Promise.all([here!.call('shout', { text: 'key' }), there!.call('double', 21)])).toEqual(['KEY!', 42]);
  });

  test('brings many calls of one turn in few messages, and each its own result', async () => {
    there!.serve('square', (n: number) => n * n);
    const numbers = [...Array(100).keys()];
    expect(await Promise.all(numbers.map((n) => here!.call('square', n)))).toEqual(numbers.map((n) => n * n));
    expect(texts).toHaveLength(Math.ceil(100 / 6));
  });

  test('tells what wants no answer, in order', async () => {
    const heard: number[] = [];
    there!.serve('note', (n: number) => heard.push(n));
    for (const n of [1, 2, 3]) here!.tell('note', n);
    there!.serve('done', () => heard);
    expect(await here!.call('done')).toEqual([1, 2, 3]);
  });

  test("rejects with the other end's error: its name, its words, and what Node says of it", async () => {
    there!.serve('listen', () => {
      throw Object.assign(new TypeError('taken'), { code: 'EADDRINUSE', port: 8080, socket: {} });
    });
    await expect(here!.call('listen')).rejects.toMatchObject({
      name: 'TypeError',
      message: 'taken',
      code: 'EADDRINUSE',
      port: 8080,
      stack: expect.stringContaining('thread-port.test'),
    });
    await expect(here!.call('listen')).rejects.not.toHaveProperty('socket');
  });

  test('keeps an error of the configuration what it is: a process ends otherwise with it', async () => {
    there!.serve('start', () => {
      throw new EnvironmentError('SPEKE_PORT must be a number');
    });
    const error = await here!.call('start').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(error).toMatchObject({ message: 'SPEKE_PORT must be a number' });
  });

  test('rejects a call of what is not there, and every call once it is closed', async () => {
    await expect(here!.call('nothing')).rejects.toThrow('nothing: no such procedure in this thread');
    there!.serve('wait', () => new Promise(() => undefined));
    const waiting = here!.call('wait');
    const rejected = expect(waiting).rejects.toThrow(ThreadPortClosed);
    there!.close();
    await rejected;
    await expect(here!.call('wait')).rejects.toThrow(ThreadPortClosed);
  });
});
