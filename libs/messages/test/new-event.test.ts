import { randomUUID } from 'node:crypto';
import { EVENTS, eventSource, newEvent, configurationLoaded, deliveryDenied } from '../src/index';

const source = eventSource({ name: 'test', instance: '1' });
const data = { service: 'test', tenants: 1, digest: 'x', warnings: [] };

describe('a new event', () => {
  it('is what its contract says, with an id and a time of its own', () => {
    const [first, second] = [
      newEvent(configurationLoaded, { source, data }),
      newEvent(configurationLoaded, { source, data }),
    ];
    expect(configurationLoaded.payload.parse(first)).toEqual(first);
    expect(first.source).toBe('/latchkey/test/1');
    expect(first.id).not.toBe(second.id);
    expect(Math.abs(Date.now() - Date.parse(first.time))).toBeLessThan(3_600_000);
  });

  it('says what it is told, in the order of the envelope, and has no field for what it is not', () => {
    const [id, time, traceparent] = [
      randomUUID(),
      new Date(0),
      '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    ];
    const denied = { tenant: 'a', exchangeId: 'exchange-1', keyIds: [], reason: 'expired', count: 1 };
    const told = { source, id, time, subject: 'a/b', traceparent, data: denied };
    expect(JSON.stringify(newEvent(deliveryDenied, told))).toBe(
      JSON.stringify({
        specversion: '1.0',
        id,
        source,
        type: 'io.latchkey.delivery.denied.v1',
        time: '1970-01-01T00:00:00.000Z',
        subject: 'a/b',
        datacontenttype: 'application/json',
        traceparent,
        data: denied,
      }),
    );
    const bare = newEvent(deliveryDenied, { source, subject: undefined, traceparent: undefined, data: denied });
    expect(Object.keys(bare)).toEqual(['specversion', 'id', 'source', 'type', 'time', 'datacontenttype', 'data']);
  });

  it.each(Object.values(EVENTS))('is of its type: $type', (contract) => {
    expect(newEvent(contract as typeof configurationLoaded, { source, data }).type).toBe(contract.type);
  });
});
