import { defineRequest, Fault, keyRefused } from '@latchkey/messages';
import { createContext } from '@latchkey/runtime';
import { Controller, Module } from '@nestjs/common';
import { z } from 'zod';
import { Answers, Deadline, Hears, MemoryHub, NoResponders, startAnswering, type Call } from '@latchkey/bus';

const double = defineRequest({
  subject: 'test.v1.double',
  timeoutMs: 500,
  request: z.object({ n: z.number() }),
  reply: z.object({ n: z.number() }),
});
const heard: unknown[] = [];

@Controller()
class Doubler {
  @Answers(double)
  async double({ n }: { n: number }, call: Call) {
    if (n < 0) throw new Fault('FORBIDDEN', 'no negative numbers');
    if (n === 0) throw new Error('secret detail');
    expect(call.deadline.remainingMs).toBeGreaterThan(0);
    return { n: 2 * n };
  }

  @Hears(keyRefused, { durable: 'test' })
  async hear(event: z.output<typeof keyRefused.payload>) {
    heard.push(event.id);
  }
}
@Module({ controllers: [Doubler] })
class DoublerModule {}

test('works', async () => {
  const context = createContext('doubler', { LOG_LEVEL: 'error' });
  const hub = new MemoryHub();
  const connection = hub.connect(context);
  const asker = hub.connect(context);
  const call = { deadline: Deadline.in(1000) };
  await expect(asker.ask(double, { n: 1 }, call)).rejects.toThrow(NoResponders);
  const service = await startAnswering(DoublerModule, connection, context);
  expect(await asker.ask(double, { n: 21 }, call)).toEqual({ n: 42 });
  await expect(asker.ask(double, { n: -1 }, call)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  await expect(asker.ask(double, { n: 0 }, call)).rejects.toMatchObject({
    code: 'INTERNAL',
    message: 'doubler failed',
  });
  await asker.publish(keyRefused, {
    specversion: '1.0',
    id: 'abcdefgh',
    source: 's',
    type: keyRefused.type,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    data: {
      tenant: 'default',
      exchangeId: 'exchange-1',
      requester: { encryptorId: 'x' },
      keyIds: [],
      code: 'X',
      writer: 'w',
      sequence: 1,
    } as never,
  });
  await new Promise((r) => setTimeout(r, 20));
  await service.close();
  expect(heard).toEqual(['abcdefgh']);
});
