import { createSecretKey } from 'node:crypto';
import { keyIdBytes, type KeyId } from '@latchkey/cenc';
import { deliveryDenied } from '@latchkey/messages';
import { signText } from '../src/signed-grant';
import { body, json, keyPath, startDelivery, type RunningDelivery } from './delivery';
import { hearEvents } from './hear-events';
import { someKeyId } from './key-answerer';

const secret = 'A'.repeat(43);
const entitlement = { mode: 'signed-url', secrets: [{ kid: 'k1', secret }] };
const EXPIRES = '4102444800';

let delivery: RunningDelivery;
beforeEach(async () => {
  delivery = await startDelivery({ default: { entitlement } });
});
afterEach(() => delivery.close());

function grant(content: string): string {
  const signed = {
    carrier: 'url',
    tenant: 'default',
    content,
    kid: '*',
    expires: EXPIRES,
    address: undefined,
  } as const;
  const signature = signText(createSecretKey(secret, 'base64url'), signed).toString('base64url');
  return `?scope=content&expires=${EXPIRES}&signer=k1&signature=${signature}`;
}

const get = (content: string, keyId: KeyId, method = 'GET') =>
  fetch(`${delivery.url}${keyPath('default', content, keyId)}${grant(content)}`, { method });

const license = (content: string, keyIds: KeyId[]) =>
  fetch(`${delivery.url}/clearkey/default/${content}${grant(content)}`, {
    method: 'POST',
    body: JSON.stringify({ kids: keyIds.map((keyId) => keyIdBytes(keyId).toString('base64url')) }),
  });

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((wake) => setTimeout(wake, 10));
}

/** What a player can see of an answer, but for what differs with every request. */
async function seen(response: Response) {
  const { instance: _, ...problem } = await json(response);
  const headers = [...response.headers].filter(([name]) => !['date', 'x-request-id', 'etag'].includes(name));
  return { status: response.status, problem, headers };
}

describe('a key that was issued for DRM systems alone', () => {
  it('is refused as one that does not exist, as a key and in a licence', async () => {
    // promise 14
    const [drmOnly, unknown] = [someKeyId(), someKeyId()];
    delivery.answerer.putDrmOnly('default', 'movie', drmOnly);
    for (const ask of [get, (content: string, keyId: KeyId) => license(content, [keyId])]) {
      // Asked for the first time, and while the answer is remembered.
      for (let times = 0; times < 2; times++) {
        const [refused, absent] = [await seen(await ask('movie', drmOnly)), await seen(await ask('movie', unknown))];
        expect(refused.status).toBe(404);
        expect(refused).toEqual(absent);
      }
    }
    expect((await get('movie', drmOnly, 'HEAD')).status).toBe(404);
  });

  it('is left out of a licence', async () => {
    const [drmOnly, clear] = [someKeyId(), someKeyId()];
    delivery.answerer.putDrmOnly('default', 'movie', drmOnly);
    delivery.answerer.put('default', 'movie', clear);
    const { keys } = await json(await license('movie', [drmOnly, clear]));
    expect(keys?.map(({ kid }) => kid)).toEqual([keyIdBytes(clear).toString('base64url')]);
  });

  it('leaves a record that says why, for every request, and an unknown one none', async () => {
    const denials = await hearEvents(delivery.hub, deliveryDenied);
    const [drmOnly, unknown] = [someKeyId(), someKeyId()];
    delivery.answerer.putDrmOnly('default', 'movie', drmOnly);
    for (let times = 0; times < 5; times++) await get('movie', drmOnly);
    await license('movie', [unknown, drmOnly]);
    const counted = () => denials.heard.reduce((sum, { data }) => sum + data.count, 0);
    await denials.until(() => counted() === 6);
    expect(denials.heard[0]?.data).toMatchObject({
      tenant: 'default',
      contentId: 'movie',
      keyIds: [drmOnly],
      reason: 'drm-only-key',
    });
    expect(JSON.stringify(denials.heard)).not.toContain(unknown);
    await denials.close();
  });

  it('is refused although the bus takes no record of it now', async () => {
    const drmOnly = someKeyId();
    delivery.answerer.putDrmOnly('default', 'movie', drmOnly);
    delivery.refuseEvents();
    expect((await get('movie', drmOnly)).status).toBe(404);
    delivery.takeEvents();
  });

  it('comes as soon as it was issued for a clear-key system too', async () => {
    const keyId = someKeyId();
    delivery.answerer.putDrmOnly('default', 'movie', keyId);
    expect((await get('movie', keyId)).status).toBe(404);
    const key = delivery.answerer.put('default', 'movie', keyId);
    await until(async () => (await get('movie', keyId)).status === 200);
    expect(await body(await get('movie', keyId))).toEqual(key);
  });

  it('is delivered for a tenant that says so, and from memory no longer once it says so no more', async () => {
    const [drmOnly, clear] = [someKeyId(), someKeyId()];
    const key = delivery.answerer.putDrmOnly('default', 'movie', drmOnly);
    delivery.answerer.put('default', 'movie', clear);
    delivery.answerer.releasesDrmOnly = true;
    delivery.configure({ default: { entitlement, deliverDrmOnlyKeys: true } });
    await until(async () => (await get('movie', drmOnly)).status === 200);
    expect(await body(await get('movie', drmOnly))).toEqual(key);
    expect((await get('movie', clear)).status).toBe(200);

    delivery.answerer.releasesDrmOnly = false;
    delivery.configure({ default: { entitlement } });
    await until(async () => (await get('movie', drmOnly)).status === 404);
    expect((await get('movie', clear)).status).toBe(200);
    expect(delivery.answerer.asked.filter(({ keyIds }) => keyIds.includes(clear))).toHaveLength(1);
  });
});
