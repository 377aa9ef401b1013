import { Fault } from '@latchkey/messages';
import { createLogger, type Logger } from '@latchkey/runtime';
import { eventually } from '@latchkey/testing';
import { Outbox, type Message } from '../src/index';

const silent = createLogger('outbox', { LOG_LEVEL: 'silent' });
const away = new Fault('UNAVAILABLE', 'away for a test');

describe('an outbox', () => {
  const told: string[] = [];
  const tell =
    (text: string): Message =>
    async () =>
      void told.push(text);
  beforeEach(() => told.splice(0));

  it('tells what it is given, in its order, and has told all when it is closed', async () => {
    const outbox = new Outbox(silent);
    for (const text of ['a', 'b', 'c']) outbox.put(tell(text));
    expect(told).toEqual([]);
    await outbox.close();
    expect(told).toEqual(['a', 'b', 'c']);
  });

  it('tells at once what an answer waits for', async () => {
    const outbox = new Outbox(silent);
    await outbox.now(tell('now'));
    expect(told).toEqual(['now']);
    await outbox.close();
  });

  // promise 19
  it.each(['put', 'now'] as const)('tells again what could not be told while the bus was away: %s', async (how) => {
    const outbox = new Outbox(silent);
    let tries = 0;
    await outbox[how](async () => {
      if (++tries < 3) throw away;
      told.push('told');
    });
    await eventually(() => told.length > 0);
    expect([told, tries]).toEqual([['told'], 3]);
    await outbox.close();
  });

  it('says, and does not try again, what can never be told', async () => {
    const { logger, lines } = listening();
    const outbox = new Outbox(logger);
    let tries = 0;
    outbox.put(async () => {
      tries++;
      throw new Fault('INVALID_REQUEST', 'too long');
    });
    outbox.put(tell('next'));
    await outbox.close();
    expect([tries, told]).toEqual([1, ['next']]);
    expect(lines).toEqual(['an event could not be told']);
  });

  it('drops the oldest when it is full, and says so', async () => {
    const { logger, lines } = listening();
    const outbox = new Outbox(logger, 2);
    for (const text of ['a', 'b', 'c']) outbox.put(tell(text));
    await outbox.close();
    expect(told).toEqual(['b', 'c']);
    expect(lines).toEqual(['events are dropped']);
  });

  it('does not wait for ever for a bus that is away, and says what it leaves unsaid', async () => {
    const { logger, lines } = listening();
    const outbox = new Outbox(logger);
    outbox.put(async () => {
      throw away;
    });
    await outbox.close();
    expect(lines).toEqual(['events left unsaid']);
  });
});

/** What a service logs, the words alone. */
function listening(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const hear = (_: unknown, text: string) => void lines.push(text);
  return { lines, logger: Object.assign(Object.create(silent) as Logger, { warn: hear, error: hear }) };
}
