import {
  Encryptor,
  readSpekeAnswer,
  SPEKE_1_SYSTEMS,
  SPEKE_2_SYSTEMS,
  spekeDocument,
  type DocumentWish,
} from '@latchkey/testing';
import { randomBytes } from 'node:crypto';
import { hashPassword as scryptHash } from '../src/door/password-hash';
import { asked, forget, keyOf } from './answerers';
import { startGateway, tenantsFile, type TestGateway } from './gateway';

const KID = '6bac8ec3-0ee3-379f-3d21-290b3a2bc9c3';
const WISH: DocumentWish = {
  version: '2.0',
  contentId: 'a/b ü#1',
  keys: [{ keyId: KID, explicitIv: 'OFj2IjCsPJFfMAxmQxLGPw==' }],
  systems: [SPEKE_2_SYSTEMS.widevine],
  period: { index: 3 },
};
const PATH = `/copyProtectionData/${encodeURIComponent(WISH.contentId)}`;
const XML = { 'content-type': 'application/xml', 'x-speke-version': '2.0' };

let gateway: TestGateway;
let encryptor: Encryptor;
beforeAll(async () => void (encryptor = await Encryptor.create()));
afterEach(async () => {
  await gateway.close();
  forget();
});

interface Sent {
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly path?: string;
}
const send = (method: string, { headers = {}, body, path = PATH }: Sent = {}) =>
  fetch(gateway.url + path, {
    method,
    headers: { ...(body !== undefined && XML), ...headers },
    ...(body !== undefined && { body }),
  });
const post = (headers: Record<string, string> = {}) => send('POST', { headers, body: spekeDocument(WISH) });

/** The document with a key in it. */
const withKey = (key: string) =>
  spekeDocument(WISH).replace(
    /(<cpix:ContentKey [^>]*)\/>/,
    `$1><cpix:Data><pskc:Secret><pskc:PlainValue>${key}</pskc:PlainValue></pskc:Secret></cpix:Data></cpix:ContentKey>`,
  );

describe('copyProtectionData', () => {
  it('issues and keeps a document, and gives it back with its keys', async () => {
    gateway = await startGateway();
    const posted = await post();
    expect(posted.status).toBe(201);
    const etag = posted.headers.get('etag');
    expect(etag).toMatch(/^"[^"]+"$/);
    const got = await send('GET');
    expect([got.status, got.headers.get('etag'), got.headers.get('x-speke-version')]).toEqual([200, etag, '2.0']);
    expect([got.headers.get('x-speke-user-agent'), got.headers.get('speke-user-agent')]).toEqual(['Latchkey', null]);
    const body = await got.text();
    expect(body).toContain(keyOf('default', WISH.contentId, KID).toString('base64'));
    // A namespace that the request declared and nothing used is not kept.
    expect(body).toBe((await posted.text()).replace(/ xmlns:ds="[^"]+"/, ''));
    expect((await post()).status).toBe(200);
  });

  it('answers 404 for a content without a document', async () => {
    gateway = await startGateway();
    for (const method of ['GET', 'DELETE']) expect((await send(method)).status).toBe(404);
  });

  it('does not send again what the reader has', async () => {
    gateway = await startGateway();
    const etag = (await post()).headers.get('etag') ?? '';
    const issued = asked.issue.length;
    expect((await send('GET', { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await send('GET', { headers: { 'if-none-match': `W/${etag}, "x"` } })).status).toBe(304);
    expect(asked.issue).toHaveLength(issued);
    expect((await send('GET', { headers: { 'if-none-match': '"x"' } })).status).toBe(200);
  });

  it('replaces only what the writer expects', async () => {
    gateway = await startGateway();
    expect((await post({ 'if-match': '*' })).status).toBe(412);
    expect(asked.issue).toHaveLength(0);
    expect((await post({ 'if-none-match': '*' })).status).toBe(201);
    const again = await post({ 'if-none-match': '*' });
    expect(again.status).toBe(412);
    const etag = (await send('GET')).headers.get('etag') ?? '';
    expect((await post({ 'if-match': '"other"' })).status).toBe(412);
    expect((await post({ 'if-match': `"other", ${etag}` })).status).toBe(200);
    expect((await send('DELETE', { headers: { 'if-match': etag } })).status).toBe(412);
    expect(asked.revocations).toHaveLength(0);
  });

  it('reads only the version that the reader expects', async () => {
    gateway = await startGateway();
    const etag = (await post()).headers.get('etag') ?? '';
    expect((await send('GET', { headers: { 'if-match': '"other"' } })).status).toBe(412);
    expect((await send('GET', { headers: { 'if-match': etag } })).status).toBe(200);
  });

  it('calls a SPEKE 1 document one, whoever reads it', async () => {
    gateway = await startGateway();
    const body = spekeDocument({ ...WISH, version: '1.0', systems: [SPEKE_1_SYSTEMS.widevine] });
    const posted = await fetch(gateway.url + PATH, { method: 'POST', headers: { 'content-type': 'text/xml' }, body });
    expect(posted.status).toBe(201);
    const got = await send('GET', { headers: { 'x-speke-version': '2.0' } });
    const named = ['speke-user-agent', 'x-speke-user-agent', 'x-speke-version'].map((name) => got.headers.get(name));
    expect([got.status, ...named]).toEqual([200, 'Latchkey', null, null]);
  });

  // promises 4, 13
  it('makes no key for a document that is too long to be kept', async () => {
    gateway = await startGateway();
    const filler = `<x:a xmlns:x="urn:x" b="${'ü'.repeat(25_000)}"/>`.repeat(7);
    for (const method of ['POST', 'PUT']) {
      const body = withKey(randomBytes(16).toString('base64')).replace('</cpix:DRMSystem>', `${filler}$&`);
      const answer = await send(method, {
        body: method === 'PUT' ? body : body.replace(/<cpix:Data>.*<.cpix:Data>/, ''),
      });
      expect([answer.status, await answer.text()]).toEqual([413, expect.stringContaining('300000 bytes are kept')]);
    }
    expect([asked.issue, asked.imports]).toEqual([[], []]);
  });

  // promise 13
  it('knows nothing under a name that is too long, and says nothing about the inside', async () => {
    gateway = await startGateway();
    for (const method of ['GET', 'DELETE']) {
      const answer = await send(method, { path: `/copyProtectionData/${'x'.repeat(1_025)}` });
      expect([answer.status, await answer.text()]).toEqual([404, expect.not.stringMatching(/v1|contract/)]);
    }
  });

  it('refuses a document about another content', async () => {
    gateway = await startGateway();
    const answer = await send('POST', { body: spekeDocument(WISH), path: '/copyProtectionData/other' });
    expect([answer.status, await answer.text()]).toEqual([422, expect.stringContaining('another content')]);
    expect(asked.issue).toHaveLength(0);
  });

  it('refuses a body that is not XML by its type, and a method that it does not have', async () => {
    gateway = await startGateway();
    const json = await send('PUT', { body: '{}', headers: { 'content-type': 'application/json' } });
    expect(json.status).toBe(415);
    const patch = await send('PATCH', { body: '<a/>' });
    expect([patch.status, patch.headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD, POST, PUT']);
  });

  it('takes in keys of the caller’s own, sealed on the bus, and keeps the document without them', async () => {
    gateway = await startGateway();
    const key = randomBytes(16);
    const put = await send('PUT', { body: withKey(key.toString('base64')) });
    expect(put.status).toBe(201);
    expect(asked.imports).toEqual([
      expect.objectContaining({
        contentId: WISH.contentId,
        systems: [SPEKE_2_SYSTEMS.widevine.systemId],
        keys: [
          expect.objectContaining({
            keyId: KID,
            scheme: 'cenc',
            explicitIv: 'OFj2IjCsPJFfMAxmQxLGPw==',
            period: { index: 3 },
          }),
        ],
      }),
    ]);
    expect(JSON.stringify(asked.imports)).not.toContain(key.toString('base64'));
    expect(keyOf('default', WISH.contentId, KID)).toEqual(key);
    const answer = await readSpekeAnswer(await (await send('GET')).text());
    expect(answer.keys[0]?.key).toEqual(key);
    expect(gateway.log()).not.toContain(key.toString('base64'));
    expect((await send('PUT', { body: withKey(key.toString('base64')) })).status).toBe(204);
  });

  it.each([
    ['no key', () => spekeDocument(WISH)],
    ['a key of 15 bytes', () => withKey(randomBytes(15).toString('base64'))],
    ['a key that is not base64', () => withKey('*'.repeat(24))],
  ])('refuses to take in %s', async (_, document) => {
    gateway = await startGateway();
    const answer = await send('PUT', { body: document() });
    expect([answer.status, await answer.text()]).toEqual([
      422,
      expect.stringContaining(`key ${KID} cannot be imported`),
    ]);
    expect(asked.imports).toHaveLength(0);
  });

  it.each([
    ['not XML', 'x', 'NOT_WELL_FORMED'],
    ['a document with faults', '<cpix:CPIX xmlns:cpix="urn:dashif:org:cpix"/>', 'MISSING_CONTENT_ID'],
  ])('tells what is wrong with %s', async (_, body, code) => {
    gateway = await startGateway();
    const answer = await send('PUT', { body, headers: { accept: 'application/problem+json' } });
    expect(await answer.json()).toMatchObject({ status: 422, code });
  });

  it('revokes all keys of a content, and forgets its document', async () => {
    gateway = await startGateway();
    await post();
    expect((await send('DELETE')).status).toBe(204);
    expect(asked.revocations).toEqual([expect.objectContaining({ tenant: 'default', contentId: WISH.contentId })]);
    expect(asked.revocations[0]?.keyIds).toBeUndefined();
    expect((await send('GET')).status).toBe(404);
  });

  describe('by credentials', () => {
    const hash = (key: string) => scryptHash(key, { logN: 10, r: 8, p: 1 });
    const as = (key: string) => ({ headers: { 'x-api-key': key } });

    beforeEach(async () => {
      const credential = async (id: string, more: object) => ({ id, method: 'api-key', hash: await hash(id), ...more });
      gateway = await startGateway({
        TENANTS_FILE: tenantsFile(
          {
            id: 'one',
            encryptors: [
              await credential('plain', {}),
              await credential('reader', { certificate: encryptor.certificate }),
              await credential('owner', { rights: ['issue', 'read-clear', 'import', 'revoke'] }),
            ],
          },
          { id: 'two', encryptors: [await credential('stranger', { rights: ['issue', 'read-clear', 'revoke'] })] },
        ),
      });
    });

    it('lets each do what it may', async () => {
      expect((await post({ 'x-api-key': 'plain' })).status).toBe(201);
      expect((await send('GET', as('plain'))).status).toBe(403);
      expect((await send('GET', as('owner'))).status).toBe(200);
      expect((await send('PUT', { ...as('plain'), body: withKey('A'.repeat(22) + '==') })).status).toBe(403);
      expect((await send('DELETE', as('plain'))).status).toBe(403);
      expect(asked.revocations).toHaveLength(0);
      expect((await send('DELETE', as('owner'))).status).toBe(204);
    });

    // promise 12
    it('asks for keys encrypted for the reader’s certificate', async () => {
      await post({ 'x-api-key': 'plain' });
      await send('GET', as('reader'));
      expect(asked.issue.at(-1)?.delivery).toEqual({ kind: 'recipients', certificates: [encryptor.certificate] });
    });

    // promise 39
    it('does not show one tenant’s document to another', async () => {
      await post({ 'x-api-key': 'plain' });
      for (const method of ['GET', 'DELETE']) expect((await send(method, as('stranger'))).status).toBe(404);
      expect((await send('GET', as('owner'))).status).toBe(200);
    });
  });
});
