import { SYSTEM_IDS } from '@latchkey/cenc';
import { configurationLoaded, deliveryCounted, deliveryDenied } from '@latchkey/messages';
import { eventually } from '@latchkey/testing';
import { body, keyPath, startDelivery, type RunningDelivery } from './delivery';
import { hearEvents } from './hear-events';
import { down, someKeyId, stateIssued, stateRevoked } from './key-answerer';

let delivery: RunningDelivery;
beforeEach(async () => {
  delivery = await startDelivery({
    default: {},
    each: { audit: 'each' },
    few: { rateLimit: { perAddressPerMinute: 3 } },
    signed: { entitlement: { mode: 'signed-url', secrets: [{ kid: 'k1', secret: 'A'.repeat(43) }] } },
  });
});
afterEach(() => delivery.close());

const get = (contentId: string, keyId: string, tenant = 'default') =>
  fetch(`${delivery.url}${keyPath(tenant, contentId, keyId)}`);
const asked = (keyId: string) => delivery.answerer.asked.filter(({ keyIds }) => keyIds.includes(keyId as never)).length;
const pause = (ms: number) => new Promise((wake) => setTimeout(wake, ms));

describe('when a period begins', () => {
  it('all viewers who come at once share one question to key-service', async () => {
    const keyId = someKeyId();
    const key = delivery.answerer.put('default', 'live', keyId);
    delivery.answerer.before = () => pause(100) as Promise<void>;
    const answers = await Promise.all(Array.from({ length: 200 }, () => get('live', keyId)));
    for (const answer of answers) expect((await body(answer)).equals(key)).toBe(true);
    expect(asked(keyId)).toBe(1);
  });

  it('its key is there already: it came with the news that it was issued', async () => {
    const keyId = someKeyId();
    const key = delivery.answerer.put('default', 'live', keyId);
    await stateIssued(delivery.connection, 'default', 'live', [keyId], SYSTEM_IDS.clearKeyAes128);
    await eventually(() => asked(keyId) === 1);
    expect(delivery.answerer.asked.at(-1)?.reason).toBe('warm');
    await pause(20);
    delivery.answerer.before = down;
    expect((await body(await get('live', keyId))).equals(key)).toBe(true);
    expect(asked(keyId)).toBe(1);
  });

  it('keys of systems whose players do not come here are not fetched', async () => {
    const keyId = someKeyId();
    delivery.answerer.put('default', 'live', keyId);
    await stateIssued(delivery.connection, 'default', 'live', [keyId], SYSTEM_IDS.widevine);
    await pause(50);
    expect(asked(keyId)).toBe(0);
  });

  it('a player that came before its encryptor gets the key as soon as it exists', async () => {
    const keyId = someKeyId();
    expect((await get('live', keyId)).status).toBe(404);
    delivery.answerer.put('default', 'live', keyId);
    await stateIssued(delivery.connection, 'default', 'live', [keyId], SYSTEM_IDS.widevine);
    await eventually(async () => (await get('live', keyId)).status === 200);
    expect(asked(keyId)).toBe(2);
  });

  it('many asking for a key that does not exist do not reach key-service each', async () => {
    const keyId = someKeyId();
    const began = Date.now();
    for (let i = 0; i < 20; i++) expect((await get('live', keyId)).status).toBe(404);
    // Once a second.
    expect(asked(keyId)).toBeLessThanOrEqual(2 + Math.floor((Date.now() - began) / 1_000));
  });
});

describe('a revoked key', () => {
  it('is gone from memory at once', async () => {
    const [revoked, other] = [someKeyId(), someKeyId()];
    for (const keyId of [revoked, other]) delivery.answerer.put('default', 'live', keyId);
    for (const keyId of [revoked, other]) expect((await get('live', keyId)).status).toBe(200);
    delivery.answerer.remove('default', 'live', revoked);
    await stateRevoked(delivery.connection, 'default', 'live', [revoked]);
    await eventually(async () => (await get('live', revoked)).status === 404);
    expect((await get('live', other)).status).toBe(200);
    expect(asked(other)).toBe(1);
  });

  it('goes with its whole content', async () => {
    const keyIds = [someKeyId(), someKeyId()];
    for (const keyId of keyIds) {
      delivery.answerer.put('default', 'live', keyId);
      delivery.answerer.put('default', 'live2', keyId);
      await get('live', keyId);
      await get('live2', keyId);
      delivery.answerer.remove('default', 'live', keyId);
    }
    await stateRevoked(delivery.connection, 'default', 'live', 'all');
    for (const keyId of keyIds) {
      await eventually(async () => (await get('live', keyId)).status === 404);
      expect((await get('live2', keyId)).status).toBe(200);
    }
  });

  it('does not stay because its release was on its way', async () => {
    const [keyId, held] = [someKeyId(), someKeyId()];
    for (const each of [keyId, held]) delivery.answerer.put('default', 'live', each);
    expect((await get('live', held)).status).toBe(200);
    let answer = () => undefined as void;
    // The stored key is read, then the revocation comes, then the answer arrives.
    delivery.answerer.before = () => new Promise<void>((go) => (answer = go));
    const early = get('live', keyId);
    await eventually(() => asked(keyId) === 1);
    delivery.answerer.before = async () => undefined;
    for (const each of [keyId, held]) delivery.answerer.remove('default', 'live', each);
    await stateRevoked(delivery.connection, 'default', 'live', [keyId, held]);
    await eventually(async () => (await get('live', held)).status === 404);
    answer();
    expect((await early).status).toBe(404);
    expect((await get('live', keyId)).status).toBe(404);
  });
});

// promise 7
it('a key past its end is not served from memory', async () => {
  let keyId = someKeyId();
  let end = 0;
  // On a busy machine one may be over before it is asked for.
  do {
    keyId = someKeyId();
    end = Date.now() + 500;
    delivery.answerer.put('default', 'live', keyId, end);
  } while ((await get('live', keyId)).status !== 200);
  delivery.answerer.remove('default', 'live', keyId);
  await eventually(async () => (await get('live', keyId)).status === 404);
  expect(Date.now()).toBeGreaterThanOrEqual(end);
  expect(asked(keyId)).toBeGreaterThan(1);
});

describe('records of deliveries', () => {
  it('are counted by key, and stated when the service ends', async () => {
    const events = await hearEvents(delivery.hub, deliveryCounted);
    const keyId = someKeyId();
    delivery.answerer.put('default', 'live', keyId);
    for (let i = 0; i < 5; i++) await get('live', keyId);
    await fetch(`${delivery.url}${keyPath('default', 'live', keyId)}`, { method: 'HEAD' });
    await delivery.stop();
    const delivered = () => events.heard.reduce((sum, { data }) => sum + data.delivered, 0);
    await events.until(() => delivered() >= 5);
    expect(delivered()).toBe(5);
    for (const { data } of events.heard) expect(data).toMatchObject({ tenant: 'default', contentId: 'live', keyId });
    await events.close();
  });

  // promise 19
  it('of refusals are kept while the bus is away, and the refusal does not wait', async () => {
    const events = await hearEvents(delivery.hub, deliveryDenied);
    delivery.refuseEvents();
    for (let i = 0; i < 3; i++) expect((await get('live', someKeyId(), 'signed')).status).toBe(403);
    expect(events.heard).toHaveLength(0);
    delivery.takeEvents();
    await events.until((heard) => heard.length === 3);
    expect(new Set(events.heard.map(({ id }) => id)).size).toBe(3);
    await events.close();
  });

  // promise 20
  it('come each before its key where the tenant wants that: no record, no key', async () => {
    const events = await hearEvents(delivery.hub, deliveryCounted);
    const keyId = someKeyId();
    delivery.answerer.put('each', 'live', keyId);
    for (let i = 0; i < 3; i++) expect((await get('live', keyId, 'each')).status).toBe(200);
    await events.until((heard) => heard.length === 3);
    expect(new Set(events.heard.map(({ data }) => data.exchangeId)).size).toBe(3);
    await events.close();

    delivery.refuseEvents();
    const response = await get('live', keyId, 'each');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).not.toBeNull();
  });
});

it('callers beyond their limit are told when to come back', async () => {
  const keyId = someKeyId();
  delivery.answerer.put('few', 'live', keyId);
  for (let i = 0; i < 3; i++) expect((await get('live', keyId, 'few')).status).toBe(200);
  const refused = await get('live', keyId, 'few');
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await get('live', keyId)).status).toBe(404);
});

it('changed tenants hold from the next look at the file on, and the bus is told', async () => {
  const events = await hearEvents(delivery.hub, configurationLoaded);
  const keyId = someKeyId();
  delivery.answerer.put('default', 'live', keyId);
  expect((await get('live', keyId)).status).toBe(200);
  const secrets = [{ secret: 'A'.repeat(43) }];
  delivery.configure({
    default: { entitlement: { mode: 'jwt', algorithms: ['HS256'], secrets, issuer: 'i', audience: 'a' } },
  });
  await eventually(async () => (await get('live', keyId)).status === 401);
  await events.until((heard) => heard.at(-1)?.data.tenants === 1);
  expect(events.heard.at(-1)?.data).toMatchObject({ service: 'key-delivery', tenants: 1, warnings: [] });
  await events.close();
});
