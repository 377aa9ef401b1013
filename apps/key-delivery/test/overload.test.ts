import { randomUUID } from 'node:crypto';
import { eventually } from '@latchkey/testing';
import { HeldKeys } from '../src/held-keys';
import { keyName } from '../src/key-name';
import { KeyReleases } from '../src/key-releases';
import { keyPath, startDelivery } from './delivery';
import { quietContext, someKeyId, startKeyAnswerer } from './key-answerer';

// promise 26
describe('too much at once', () => {
  it('is refused at once when the process falls behind; health probes are not', async () => {
    const delivery = await startDelivery(
      { default: { cors: { origins: ['https://player.example.com'] } } },
      { environment: { DELIVERY_MOST_DELAY_MS: '150' } },
    );
    const keyId = someKeyId();
    delivery.answerer.put('default', 'live', keyId);
    const url = `${delivery.url}${keyPath('default', 'live', keyId)}`;
    const ask = () => fetch(url, { headers: { origin: 'https://player.example.com' } });
    await eventually(async () => (await ask()).status === 200);

    const heavy = setInterval(() => {
      for (const end = performance.now() + 400; performance.now() < end;);
    }, 410);
    let refused = await ask();
    // It looks once a second.
    await eventually(async () => (refused = await ask()).status !== 200);
    const probe = await fetch(`${delivery.url}/healthz`);
    clearInterval(heavy);

    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://player.example.com');
    expect(probe.status).toBe(200);
    await eventually(async () => (await ask()).status === 200);
    await delivery.close();
  });

  it('does not pile up before a key-service that hangs', async () => {
    const keys = await startKeyAnswerer();
    const connection = keys.hub.connect(quietContext('key-delivery'));
    const held = new HeldKeys({ max: 64, holdMs: 60_000, now: Date.now });
    const releases = new KeyReleases(connection, held, { timeoutMs: 1_000, mostPending: 3, now: Date.now });
    let goOn = () => {};
    const hanging = new Promise<void>((resolve) => (goOn = resolve));
    keys.answerer.before = () => hanging;
    const ask = () =>
      releases.fetch(
        { tenant: 'default', contentId: 'live' },
        [keyName({ tenant: 'default', contentId: 'live' }, someKeyId())],
        {
          reason: 'player',
          exchangeId: randomUUID(),
        },
      );

    const waiting = [ask(), ask(), ask()].map((each) => each.catch((error: unknown) => error));
    await expect(ask()).rejects.toMatchObject({ status: 503 });
    for (const late of await Promise.all(waiting)) expect(late).toMatchObject({ code: 'DEADLINE_EXCEEDED' });

    keys.answerer.before = async () => undefined;
    goOn();
    expect(await ask()).toEqual([]);
    held.close();
    await keys.close();
    await connection.close();
  });
});
