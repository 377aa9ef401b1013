import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { Answers, startAnswering } from '@latchkey/bus';
import {
  describeContent,
  exchangeCompleted,
  exchangeRejected,
  keyIssued,
  revokeKeys,
  shredContent,
} from '@latchkey/messages';
import { eventually, temporaryDirectory } from '@latchkey/testing';
import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { ROUTE_ROLES } from '../src/access/route-roles';
import { contextOf, startMonitorAtTest, type MonitorAtTest } from './monitor-at-test';
import { OidcIssuer, type SignOptions } from './oidc-issuer';
import { completed, issued, newKeyId } from './sample-events';

const asked: { subject: string; request: Record<string, unknown> }[] = [];

/** Stands in for key-service on the bus. */
@Controller()
class KeyServiceAtTest {
  @Answers(describeContent)
  async describe() {
    const key = { scheme: 'cbcs' as const, createdAt: Date.UTC(2026, 0, 1), origin: 'random' as const };
    return {
      keys: [
        { keyId: newKeyId(), ...key, period: { index: 8 }, revokedAt: Date.UTC(2026, 0, 2) },
        { keyId: newKeyId(), ...key, period: { index: 7, start: '2026-01-01T00:00:00Z', end: '2026-01-01T00:01:00Z' } },
      ],
    };
  }
  @Answers(revokeKeys)
  async revoke(request: object) {
    asked.push({ subject: revokeKeys.subject, request: { ...request } });
    return { revoked: 2 };
  }
  @Answers(shredContent)
  async shred(request: object) {
    asked.push({ subject: shredContent.subject, request: { ...request } });
    return { keyIds: [], truncated: false };
  }
}

@Module({ controllers: [KeyServiceAtTest] })
class KeyServiceModule {}

const TOKENS = {
  viewer: `viewer-${randomUUID()}`,
  operator: `operator-${randomUUID()}`,
  auditor: `auditor-${randomUUID()}`,
  tenantB: `tenant-b-${randomUUID()}`,
  expired: `expired-${randomUUID()}`,
};
const bearer = (token: string | undefined) => (token === undefined ? {} : { authorization: `Bearer ${token}` });
const json = { 'content-type': 'application/json' };

describe('ops API', () => {
  let monitor: MonitorAtTest;
  let keyService: INestMicroservice;
  let issuer: OidcIssuer;
  const [keyId, exchangeId] = [newKeyId(), randomUUID()];

  beforeAll(async () => {
    issuer = await OidcIssuer.start();
    const file = join(temporaryDirectory(), 'access.yaml');
    writeFileSync(file, accessFile(issuer.url));
    monitor = await startMonitorAtTest({ CONSOLE_ACCESS_FILE: file });
    keyService = await startAnswering(KeyServiceModule, monitor.others, contextOf('key-service'));
    await monitor.others.publish(
      keyIssued,
      issued({ contentId: 'film', exchangeId, keyIds: [keyId], index: 3, clearDelivery: true }),
    );
    await monitor.others.publish(exchangeCompleted, completed({ contentId: 'film', exchangeId, keyIds: [keyId] }));
    await monitor.others.publish(keyIssued, issued({ tenant: 'b', contentId: 'series' }));
    // These three, and the monitor's own on its configuration.
    await eventually(async () =>
      (await get('/v1/ledger', TOKENS.auditor)).body.records.length === 4 ? true : undefined,
    );
  });
  afterAll(async () => {
    await keyService.close();
    await monitor.close();
    issuer.close();
  });

  const request = async (path: string, token?: string, init: RequestInit = {}) => {
    const answer = await fetch(monitor.url + path, { ...init, headers: { ...bearer(token), ...init.headers } });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, body: parse(text) };
  };
  const get = (path: string, token?: string) => request(path, token);
  const post = (path: string, token: string, body: unknown, headers = {}) =>
    request(path, token, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) });

  describe('authorisation', () => {
    const ALLOWED = { viewer: ['viewer'], operator: ['viewer', 'operator'], auditor: ['viewer', 'auditor'] } as const;
    const matrix = Object.entries(ROUTE_ROLES).flatMap(([route, role]) =>
      (['viewer', 'operator', 'auditor'] as const).map((who) => {
        const allowed = role === 'anybody' || (ALLOWED[who] as readonly string[]).includes(role);
        return [who, allowed ? 'may' : 'may not', route] as const;
      }),
    );

    it.each(matrix)('%s %s %s', async (who, may, route) => {
      const { status } = await call(route, TOKENS[who]);
      if (may === 'may') expect([401, 403]).not.toContain(status);
      else expect(status).toBe(403);
    });

    it.each(Object.keys(ROUTE_ROLES).filter((route) => ROUTE_ROLES[route] !== 'anybody'))(
      'nobody without a token may %s',
      async (route) => expect((await call(route, undefined)).status).toBe(401),
    );

    it('takes no token that is not known or no longer good', async () => {
      for (const token of ['wrong', TOKENS.expired, '']) {
        const answer = await get('/v1/overview', token);
        expect(answer.status).toBe(401);
        expect(answer.headers.get('www-authenticate')).toContain('Bearer');
      }
    });

    it('answers 404 for what is in no table, and tells strangers nothing of it', async () => {
      expect((await get('/v1/nothing', TOKENS.viewer)).status).toBe(404);
      expect((await get('/v1/nothing')).status).toBe(401);
    });

    it('slows down who guesses tokens, and nobody who has one', async () => {
      const other = await startMonitorAtTest({ CONSOLE_ACCESS_FILE: writeAccess(issuer.url) });
      const ask = (token: string) => fetch(`${other.url}/v1/overview`, { headers: bearer(token) });
      const guesses = [];
      for (let n = 0; n < 12; n++) guesses.push((await ask(`guess-${n}`)).status);
      expect(guesses).toEqual([...Array(10).fill(401), 429, 429]);
      expect(Number((await ask('one-more')).headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await ask(TOKENS.viewer)).status).toBe(200);
      await other.close();
    });

    const call = async (route: string, token: string | undefined) => {
      const [method = '', path = ''] = route.split(' ');
      const address = path.replace(':keyId', keyId).replace(':exchangeId', exchangeId).replace(':contentId', 'film');
      const controller = new AbortController();
      const body =
        method === 'POST' ? { body: '{}', headers: { ...bearer(token), ...json } } : { headers: bearer(token) };
      const answer = await fetch(monitor.url + address, { method, ...body, signal: controller.signal });
      controller.abort();
      return { status: answer.status };
    };
  });

  describe('OIDC', () => {
    it('takes the roles and tenants of the claims, and no token that is not for us', async () => {
      const fresh = await startMonitorAtTest({ CONSOLE_ACCESS_FILE: writeAccess(issuer.url) });
      const ask = async (claims: object, options: SignOptions = {}) => {
        const token = await issuer.sign({ sub: 'ada', aud: 'console', ...claims }, options);
        return (await fetch(`${fresh.url}/v1/session`, { headers: bearer(token) })).json() as Promise<any>;
      };
      expect((await ask({ realm_access: { roles: ['drm-ops'] } })).principal).toEqual({
        id: 'oidc:ada',
        roles: ['operator'],
        tenants: [],
      });
      expect((await ask({ realm_access: { roles: ['audit', 'drm-ops'] }, tenants: ['b'] })).principal).toMatchObject({
        roles: ['auditor', 'operator'],
        tenants: ['b'],
      });
      const roles = { realm_access: { roles: ['drm-ops'] } };
      expect((await ask({ realm_access: { roles: ['others'] } })).principal).toBeUndefined();
      expect((await ask({ ...roles, aud: 'other' })).principal).toBeUndefined();
      expect((await ask(roles, { issuer: 'https://other.example' })).principal).toBeUndefined();
      expect((await ask(roles, { expires: '-1h' })).principal).toBeUndefined();
      expect(
        (await ask(roles, { key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey })).principal,
      ).toBeUndefined();
      // RFC 8725, 3.1: the algorithm is ours to choose.
      const secret = Buffer.alloc(32, 1);
      const hs = await new SignJWT({ sub: 'ada', aud: 'console', ...roles })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer(issuer.url)
        .setExpirationTime('1h')
        .sign(secret);
      const none = (await (await fetch(`${fresh.url}/v1/session`, { headers: bearer(hs) })).json()) as any;
      expect(none.principal).toBeUndefined();
      await fresh.close();
    });

    it('answers 503, not 401, while the issuer cannot be asked', async () => {
      const away = await startMonitorAtTest({ CONSOLE_ACCESS_FILE: writeAccess('http://127.0.0.1:9') });
      const token = await issuer.sign({ sub: 'ada', aud: 'console' });
      const answer = await fetch(`${away.url}/v1/overview`, { headers: bearer(token) });
      expect(answer.status).toBe(503);
      await away.close();
    });
  });

  it('counts exchanges and keys by the minute', async () => {
    const { body } = await get('/v1/overview', TOKENS.viewer);
    expect(body.lastHour).toMatchObject({ completed: 1, rejected: 0, failed: 0, keysIssued: 2 });
    expect(body.lastHour.p50).toBeCloseTo(4.2, 0);
    expect(body.minutes).toHaveLength(60);
    expect(body.minutes.reduce((sum: number, { keysIssued }: { keysIssued: number }) => sum + keysIssued, 0)).toBe(2);
    expect(body.errorBudget).toMatchObject({ target: 0.999, exchanges: 1, failed: 0, left: 1 });
  });

  it('tells of a key ID everything but the key', async () => {
    const { body } = await get(`/v1/keys/${keyId.toUpperCase()}`, TOKENS.viewer);
    expect(body.contents).toEqual([
      expect.objectContaining({
        keyId,
        tenant: 'default',
        contentId: 'film',
        period: { index: 3 },
        trackTypes: ['VIDEO'],
        requesters: ['packager-1'],
        traceId: '0af7651916cd43dd8448eb211c80319c',
        lastExchangeId: exchangeId,
        deliverableSince: expect.stringMatching(/^\d{4}-.*Z$/),
      }),
    ]);
  });

  it('follows an exchange hop by hop', async () => {
    const { body } = await get(`/v1/exchanges/${exchangeId}`, TOKENS.viewer);
    expect(body).toMatchObject({
      outcome: 'completed',
      status: 200,
      contentId: 'film',
      hops: [{ name: 'keys.v1.issue' }, {}],
    });
    expect(body.events.map(({ kind }: { kind: string }) => kind)).toEqual(['key.issued', 'exchange.completed']);
    expect((await get(`/v1/exchanges/${randomUUID()}`, TOKENS.viewer)).status).toBe(404);
  });

  it('lists which key ID is valid when', async () => {
    const { body } = await get('/v1/contents/film/schedule', TOKENS.viewer);
    expect(body.keys).toEqual([
      expect.objectContaining({ periodIndex: 7, validFrom: '2026-01-01T00:00:00Z', state: 'valid' }),
      expect.objectContaining({ periodIndex: 8, state: 'revoked' }),
    ]);
  });

  it('revokes in the name of the operator, and shreds only what was named twice', async () => {
    asked.length = 0;
    const revoked = await post('/v1/contents/film%20%2F%201/revoke', TOKENS.operator, {
      keyIds: [keyId],
      reason: 'leak',
    });
    expect(revoked.body).toEqual({ revoked: 2 });
    expect(asked[0]?.request).toMatchObject({
      tenant: 'default',
      contentId: 'film / 1',
      keyIds: [keyId],
      reason: 'leak',
      requester: { encryptorId: 'console:operator-token' },
    });
    expect((await post('/v1/contents/film/shred', TOKENS.operator, { preview: true })).status).toBe(200);
    expect((await post('/v1/contents/film/shred', TOKENS.operator, { preview: false })).status).toBe(400);
    expect((await post('/v1/contents/film/shred', TOKENS.operator, { preview: false, confirm: 'film' })).status).toBe(
      200,
    );
    expect(asked.map(({ request: { preview } }) => preview)).toEqual([undefined, true, false]);
  });

  // promise 39
  it('shows a tenant its own doings only', async () => {
    const ids = async (path: string) => JSON.stringify((await get(path, TOKENS.tenantB)).body);
    for (const path of ['/v1/ledger', '/v1/exchanges', `/v1/keys/${keyId}`, '/v1/ledger/export', '/v1/ledger/verify']) {
      expect(await ids(path)).not.toContain('film');
    }
    expect(await ids('/v1/ledger')).toContain('series');
    expect((await get('/v1/overview', TOKENS.tenantB)).body.lastHour).toMatchObject({ keysIssued: 1, completed: 0 });
    expect((await get('/v1/rotation', TOKENS.tenantB)).body.rows).toEqual([]);
    expect((await get('/v1/ledger?tenant=default', TOKENS.tenantB)).status).toBe(403);
    expect((await get(`/v1/exchanges/${exchangeId}`, TOKENS.tenantB)).status).toBe(404);
    expect((await post('/v1/contents/film/revoke?tenant=default', TOKENS.tenantB, {})).status).toBe(403);
  });

  // issue 8, 5: who could see what, and since when, is in the ledger
  it('records which access rules are in force, and that a changed file is not', async () => {
    const file = writeAccess(issuer.url);
    const other = await startMonitorAtTest({ CONSOLE_ACCESS_FILE: file });
    const told = async () => {
      const answer = await fetch(`${other.url}/v1/ledger`, { headers: bearer(TOKENS.auditor) });
      const { records } = (await answer.json()) as { records: { event: { type: string; data: any } }[] };
      return records
        .filter(({ event }) => event.type.endsWith('configuration.loaded.v1'))
        .map(({ event }) => event.data);
    };
    const first = await eventually(async () => (await told())[0]);
    expect(first).toEqual({
      service: 'monitor',
      tenants: 0,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      warnings: [],
    });
    writeFileSync(file, '{ tokens: [');
    const wrong = await eventually(async () => (await told()).find(({ warnings }) => warnings.length > 0));
    expect(wrong).toEqual({ ...first, warnings: [expect.stringContaining('is not YAML')] });
    await other.close();
  });

  it('pages through the ledger and refuses a cursor that it did not give', async () => {
    const first = await get('/v1/ledger?limit=3', TOKENS.auditor);
    const second = await get(`/v1/ledger?limit=3&cursor=${first.body.cursor}`, TOKENS.auditor);
    expect([...first.body.records, ...second.body.records].map(({ event }: any) => event.id)).toHaveLength(4);
    expect(second.body.cursor).toBeUndefined();
    expect((await get('/v1/ledger?cursor=nonsense', TOKENS.auditor)).status).toBe(400);
    expect((await get('/v1/ledger?keyId=nonsense', TOKENS.auditor)).status).toBe(400);
  });

  it('exports CSV, and NDJSON whose chain anybody can prove', async () => {
    const csv = await get('/v1/ledger/export?format=csv', TOKENS.auditor);
    expect(csv.headers.get('content-type')).toContain('text/csv');
    expect(csv.text.trim().split('\r\n')).toHaveLength(5);

    const ndjson = await get('/v1/ledger/export?format=ndjson&tenant=default', TOKENS.auditor);
    let previous = '0'.repeat(64);
    for (const text of ndjson.text.trim().split('\n')) {
      const record = JSON.parse(text);
      expect(record.previous).toBe(previous);
      previous = createHash('sha256')
        .update(`${record.chain}\n${record.index}\n${previous}\n${record.body}`)
        .digest('hex');
      expect(record.hash).toBe(previous);
    }
  });

  it('tells as it happens what happens', async () => {
    const controller = new AbortController();
    const answer = await fetch(`${monitor.url}/v1/live`, { headers: bearer(TOKENS.viewer), signal: controller.signal });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const events = readEvents(answer);
    expect((await next(events, 'latest')).data).toHaveLength(4);
    expect((await next(events, 'overview')).data.lastHour.completed).toBe(1);
    const event = issued({ contentId: 'live', index: 9 });
    await monitor.others.publish(keyIssued, event);
    expect((await next(events, 'event')).data).toMatchObject({ id: event.id, kind: 'key.issued', contentId: 'live' });
    expect((await next(events, 'rotation')).data.rows).toContainEqual(expect.objectContaining({ contentId: 'live' }));
    controller.abort();
  });

  it('sends pages that nothing foreign can run in, and API answers that nothing can', async () => {
    const page = await fetch(`${monitor.url}/`);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain(`connect-src 'self' ${issuer.url}`);
    expect(policy).not.toMatch(/unsafe|\*/);
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
    expect(
      /'nonce-([^']+)'/.exec((await fetch(`${monitor.url}/`)).headers.get('content-security-policy') ?? '')?.[1],
    ).not.toBe(nonce);
    const api = await get('/v1/overview', TOKENS.viewer);
    expect(api.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(api.headers.get('x-content-type-options')).toBe('nosniff');
    expect(api.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('refuses what another site makes a browser ask', async () => {
    const foreign = { 'sec-fetch-site': 'cross-site' };
    expect((await post('/v1/contents/film/revoke', TOKENS.operator, {}, foreign)).status).toBe(403);
  });

  it('says what a refused exchange was refused for, and what helps', async () => {
    const refused = randomUUID();
    const { data, ...event } = completed({ tenant: 'c', exchangeId: refused });
    await monitor.others.publish(exchangeRejected, {
      ...event,
      type: exchangeRejected.type,
      data: { ...data, status: 422, code: 'DUPLICATE_KID' },
    });
    const report = await eventually(async () => {
      const { status, body } = await get(`/v1/exchanges/${refused}`, TOKENS.viewer);
      return status === 200 ? body : undefined;
    });
    expect(report).toMatchObject({
      outcome: 'rejected',
      code: 'DUPLICATE_KID',
      meaning: { text: 'ContentKey@kid is there twice', fix: expect.any(String) },
    });
  });
});

describe('an open console', () => {
  it('lets everybody on loopback look, nobody act, and answers to no other name', async () => {
    const monitor = await startMonitorAtTest();
    const session = (await (await fetch(`${monitor.url}/v1/session`)).json()) as any;
    expect(session.principal).toEqual({ id: 'anonymous', roles: ['viewer'], tenants: 'all' });
    expect((await fetch(`${monitor.url}/v1/overview`)).status).toBe(200);
    expect((await fetch(`${monitor.url}/v1/ledger`)).status).toBe(403);
    const revoke = { method: 'POST', headers: json, body: '{}' };
    expect((await fetch(`${monitor.url}/v1/contents/film/revoke`, revoke)).status).toBe(403);
    expect(await statusWithHost(monitor.url, 'rebound.example')).toBe(403);
    expect(await statusWithHost(monitor.url, 'localhost:8082')).toBe(200);
    await monitor.close();
  });

  it('is closed beyond loopback, unless open is meant; the ledger goes on', async () => {
    const closed = await startMonitorAtTest({ CONSOLE_HOST: '0.0.0.0' });
    const url = closed.url.replace('localhost', '127.0.0.1');
    expect((await fetch(`${url}/v1/overview`)).status).toBe(401);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    await closed.close();
    const open = await startMonitorAtTest({ CONSOLE_HOST: '0.0.0.0', CONSOLE_ALLOW_UNAUTHENTICATED: 'true' });
    expect((await fetch(`${open.url.replace('localhost', '127.0.0.1')}/v1/overview`)).status).toBe(200);
    await open.close();
  });

  it('takes its rules from a variable, and refuses wrong ones without quoting them', async () => {
    const sha256 = createHash('sha256').update('t').digest('hex');
    const CONSOLE_ACCESS = JSON.stringify({ tokens: [{ id: 't', sha256, roles: ['viewer'] }] });
    const monitor = await startMonitorAtTest({ CONSOLE_ACCESS });
    expect((await fetch(`${monitor.url}/v1/overview`)).status).toBe(401);
    expect((await fetch(`${monitor.url}/v1/overview`, { headers: bearer('t') })).status).toBe(200);
    await monitor.close();
    const wrong = startMonitorAtTest({
      CONSOLE_ACCESS: JSON.stringify({ tokens: [{ id: 't', sha256: 'plain-secret' }] }),
    });
    await expect(wrong).rejects.toThrow(/sha256/);
    await expect(wrong).rejects.not.toThrow(/plain-secret/);
  });
});

function parse(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function accessFile(issuerUrl: string): string {
  const hash = (token: string) => createHash('sha256').update(token).digest('hex');
  return JSON.stringify({
    tokens: [
      { id: 'viewer-token', sha256: hash(TOKENS.viewer), roles: ['viewer'] },
      { id: 'operator-token', sha256: hash(TOKENS.operator), roles: ['operator'] },
      { id: 'auditor-token', sha256: hash(TOKENS.auditor), roles: ['auditor'] },
      { id: 'b-token', sha256: hash(TOKENS.tenantB), roles: ['auditor', 'operator'], tenants: ['b'] },
      { id: 'old', sha256: hash(TOKENS.expired), roles: ['auditor'], expires: '2025-01-01T00:00:00Z' },
    ],
    oidc: {
      issuer: issuerUrl,
      audience: 'console',
      clientId: 'console',
      rolesClaim: 'realm_access.roles',
      roles: { 'drm-ops': 'operator', audit: 'auditor' },
      tenantsClaim: 'tenants',
    },
  });
}

function writeAccess(issuerUrl: string): string {
  const file = join(temporaryDirectory(), 'access.yaml');
  writeFileSync(file, accessFile(issuerUrl));
  return file;
}

async function* readEvents(answer: Response): AsyncGenerator<{ event: string; data: any }> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const found = /^event: (.+)\ndata: (.+)$/.exec(block);
      if (found) yield { event: found[1] as string, data: JSON.parse(found[2] as string) };
    }
  }
}

async function next(events: AsyncGenerator<{ event: string; data: any }>, name: string) {
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error(`the stream ended before ${name}`);
    if (value.event === name) return value;
  }
}

/** fetch sets Host by itself. */
async function statusWithHost(url: string, host: string): Promise<number> {
  const { request } = await import('node:http');
  return new Promise((done, fail) => {
    request(`${url}/v1/overview`, { headers: { host } }, (answer) => {
      answer.resume();
      done(answer.statusCode ?? 0);
    })
      .on('error', fail)
      .end();
  });
}
