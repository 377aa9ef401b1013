import { MemoryEventLog } from '../src/memory-event-log';

const event = (name: number) => ({ subject: 'event.key.issued.v1', body: String(name), headers: {} });

describe('events in memory', () => {
  // promise 21
  it('refuses an event, rather than lose it, while a durable consumer is 10,000 behind', async () => {
    const log = new MemoryEventLog();
    let letGo!: () => void;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const heard: string[] = [];
    log.hear('event.>', { durable: 'ledger', inFlight: 1 }, async ({ body }) => {
      await held;
      heard.push(String(body));
      return 'heard';
    });
    let taken = 0;
    const fill = () => {
      for (;;) log.append(`id-${taken}`, event(taken++));
    };
    expect(fill).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
    const accepted = taken - 1;
    letGo();
    while (heard.length < accepted) await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual(Array.from({ length: accepted }, (_, name) => String(name)));
    log.append('id-later', event(-1));
  });

  it('lets one that is not durable miss what it is too slow for', () => {
    const log = new MemoryEventLog();
    log.hear('event.>', { inFlight: 1 }, () => new Promise(() => undefined));
    for (let name = 0; name < 10_100; name++) log.append(`id-${name}`, event(name));
  });
});
