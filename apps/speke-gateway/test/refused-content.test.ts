import { eventually, SPEKE_2_SYSTEMS, spekeDocument, type DocumentWish } from '@latchkey/testing';
import { asked, forget } from './answerers';
import { startGateway, type TestGateway } from './gateway';

const WISH: DocumentWish = {
  version: '2.0',
  contentId: 'channel-7',
  keys: [{ keyId: '6bac8ec3-0ee3-379f-3d21-290b3a2bc9c3', scheme: 'rot13' }],
  systems: [SPEKE_2_SYSTEMS.widevine],
};
const HEADERS = { 'content-type': 'application/xml', 'x-speke-version': '2.0' };

describe('who watches refusals', () => {
  let gateway: TestGateway;
  beforeAll(async () => void (gateway = await startGateway()));
  afterAll(() => gateway.close());
  afterEach(forget);

  // promise 19
  it.each([
    ['POST', '/copyProtection'],
    ['POST', '/copyProtectionData/channel-7'],
    ['PUT', '/copyProtectionData/channel-7'],
  ])('is told which content has no keys: %s %s', async (method, path) => {
    const request = { method, headers: HEADERS, body: spekeDocument(WISH) };
    const answer = await fetch(gateway.url + path, request);
    expect(answer.status).toBe(422);
    await eventually(() => asked.refusals.length === 1);
    expect(asked.refusals[0]?.contentId).toBe('channel-7');
    const id = answer.headers.get('x-request-id');
    const line = gateway
      .log()
      .split('\n')
      .find((text) => text.includes(`"exchangeId":"${id}"`) && text.includes('"msg":"request"'));
    expect(line).toContain('"contentId":"channel-7"');
  });
});
