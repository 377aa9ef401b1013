import { Hears, startAnswering, type MemoryHub } from '@latchkey/bus';
import type { EventContract } from '@latchkey/messages';
import { eventually } from '@latchkey/testing';
import { Controller, Module } from '@nestjs/common';
import type { z } from 'zod';
import { quietContext } from './key-answerer';

/** What is stated on a bus from now on, as a service of its own hears it. */
export async function hearEvents<Payload extends z.ZodType>(hub: MemoryHub, contract: EventContract<Payload>) {
  const context = quietContext('listener');
  const connection = hub.connect(context);
  const heard: z.output<Payload>[] = [];

  @Controller()
  class Listener {
    @Hears(contract)
    async hear(event: z.output<Payload>): Promise<void> {
      heard.push(event);
    }
  }
  @Module({ controllers: [Listener] })
  class ListenerModule {}

  const service = await startAnswering(ListenerModule, connection, context);
  return {
    heard,
    async until(condition: (events: typeof heard) => boolean): Promise<void> {
      await eventually(() => condition(heard), `what was to be heard of ${contract.subject}`);
    },
    async close() {
      await service.close();
      await connection.close();
    },
  };
}
