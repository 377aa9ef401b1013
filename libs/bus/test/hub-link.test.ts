import { MessageChannel } from 'node:worker_threads';
import { defineRequest, Fault, keyRefused } from '@latchkey/messages';
import { ThreadPort } from '@latchkey/runtime';
import { z } from 'zod';
import { MemoryHub } from '@latchkey/bus';
import { DistantEventLog, shareEventLog } from '../src/hub-link';
import { MemoryEventLog } from '../src/memory-event-log';
import { answering, contextOf, gated, inMs, refusal } from './bus-under-test';

const CONTRACT = defineRequest({
  subject: 'test.v1.echo',
  timeoutMs: 60_000,
  request: z.object({ text: z.string() }),
  reply: z.object({ text: z.string() }),
});

describe('hubs of two threads', () => {
  let here: ThreadPort;
  let there: ThreadPort;

  beforeEach(() => {
    const { port1, port2 } = new MessageChannel();
    here = new ThreadPort(port1);
    there = new ThreadPort(port2);
  });
  afterEach(() => here.close());

  test('what waits for a thread that is gone fails at once, and so does what is asked and told after it', async () => {
    const answerer = MemoryHub.withEvents(there).connect(contextOf('answerer'));
    const asker = MemoryHub.beside(here).connect(contextOf('asker'));
    const { opened: never } = gated();
    const asked = gated();
    await answering(answerer, contextOf('answerer'), CONTRACT, async ({ text }) => {
      asked.open();
      await never;
      return { text };
    });
    const waiting = expect(asker.ask(CONTRACT, { text: 'key' }, inMs(60_000))).rejects.toMatchObject(unavailable());
    await asked.opened;
    there.close();
    await waiting;
    await expect(asker.ask(CONTRACT, { text: 'key' }, inMs(60_000))).rejects.toMatchObject(unavailable());
    await expect(asker.publish(keyRefused, refusal())).rejects.toMatchObject(unavailable());
  });

  test('an event log that is full says so in the other thread, in words that mean: again', async () => {
    const log = new MemoryEventLog();
    log.append = () => {
      throw new Fault('UNAVAILABLE', 'a consumer of events is too far behind');
    };
    shareEventLog(there, log);
    const message = { subject: 'event.test', body: {}, headers: {} };
    const error = await new DistantEventLog(here).append('1', message).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Fault);
    expect(error).toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
      message: 'a consumer of events is too far behind',
    });
  });
});

function unavailable() {
  return { name: 'Fault', code: 'UNAVAILABLE', retryable: true };
}
