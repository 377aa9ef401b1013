import { randomUUID } from 'node:crypto';
import { EventGatherer, eventsIn, type Send } from '../src/event-batch';
import { Outgoing } from '../src/outgoing';
import type { BusMessage } from '../src/transport';

const MAX_BYTES = 1_048_576;

describe('events of one turn', () => {
  test('of one subject are one message, sixteen at most, in their order', async () => {
    const { append, sent } = gatherer();
    const bodies = Array.from({ length: 40 }, (_, n) => JSON.stringify({ n }));
    await Promise.all(bodies.map((body) => append(eventOf('event.a', body))));
    expect(sent.map(({ message }) => eventsIn(bodyOf(message)).length)).toEqual([16, 16, 8]);
    expect(sent.flatMap(({ message }) => eventsIn(bodyOf(message)))).toEqual(bodies);
    expect(sent.flatMap(({ message }) => JSON.parse(bodyOf(message)) as unknown)).toEqual(
      bodies.map((body) => JSON.parse(body)),
    );
  });

  test('are a message each where they differ in subject, belong to a trace, or have lines of their own', async () => {
    const { append, sent } = gatherer();
    const events = [
      eventOf('event.a'),
      eventOf('event.b'),
      eventOf('event.b', '{}', { traceparent: '00-1' }),
      eventOf('event.b', '{\n}'),
      eventOf('event.b'),
    ];
    await Promise.all(events.map((event) => append(event)));
    expect(sent.map(({ message }) => message)).toEqual(events);
  });

  test('are no longer together than a message may be', async () => {
    const { append, sent } = gatherer(1_000);
    await Promise.all(Array.from({ length: 6 }, () => append(eventOf('event.a', JSON.stringify('x'.repeat(98))))));
    expect(sent.map(({ message }) => eventsIn(bodyOf(message)).length)).toEqual([2, 2, 2]);
  });

  test('alone keep their own id, and together have one that others do not have', async () => {
    const { append, sent } = gatherer();
    const [a, b, c] = ['a', 'b', 'c'];
    await append(eventOf('event.a'), a);
    for (const ids of [[a, b], [a, b], [a, c], [`${a}b`]]) {
      await Promise.all(ids.map((id) => append(eventOf('event.a'), id)));
    }
    const [alone, first, again, other, joined] = sent.map(({ id }) => id);
    expect(alone).toBe(a);
    expect(again).toBe(first);
    expect(new Set([alone, first, other, joined]).size).toBe(4);
  });

  test('fail together, and what comes after them does not', async () => {
    const failure = new Error('not now');
    let failing = true;
    const { append } = gatherer(MAX_BYTES, async () => {
      if (failing) throw failure;
    });
    const outcomes = await Promise.allSettled([append(eventOf('event.a')), append(eventOf('event.a'))]);
    expect(outcomes).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
    ]);
    failing = false;
    await append(eventOf('event.a'));
  });
});

function gatherer(maxBytes = MAX_BYTES, send: Send = async () => undefined) {
  const sent: { id: string; message: BusMessage }[] = [];
  const record: Send = (id, message) => {
    sent.push({ id, message });
    return send(id, message);
  };
  const gathering = new EventGatherer(new Outgoing(), record, maxBytes);
  return { sent, append: (message: BusMessage, id: string = randomUUID()) => gathering.append(id, message) };
}

function eventOf(subject: string, body = '{}', headers = {}): BusMessage {
  return { subject, body, headers };
}

function bodyOf({ body }: BusMessage): string {
  return body as string;
}
