import { connect } from 'node:net';
import { Body, Controller, Get, Header, HttpCode, Module, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Fault } from '@latchkey/messages';
import { createLogger, type HealthCheck } from '@latchkey/runtime';
import { eventually } from '@latchkey/testing';
import { HttpProblem, startHttp, type HttpOptions, type HttpService } from '../src/index';

let release: () => void = () => undefined;

@Controller()
class Routes {
  @Post('echo')
  @HttpCode(200)
  @Header('content-type', 'application/xml')
  echo(@Body() body: Buffer, @Req() request: FastifyRequest) {
    request.exchange.note({ contentId: 'movie', keys: 2 });
    return body;
  }

  @Get('slow')
  slow() {
    return new Promise<string>((done) => (release = () => done('done')));
  }

  @Get('fault')
  fault() {
    throw new Fault('UNAVAILABLE', 'dynamodb at 10.0.0.1 is down');
  }

  @Get('conflict')
  conflict() {
    throw new Fault('CONFLICT', 'that key exists with another value');
  }

  @Get('broken')
  broken() {
    throw new Error('secret detail in /srv/app/dist/main.js');
  }

  @Get('problem')
  problem() {
    throw new HttpProblem(422, 'own-code', 'Own text', { headers: { 'x-more': '1' } });
  }
}

@Module({ controllers: [Routes] })
class TestModule {}

const lines: string[] = [];
let service: HttpService;

async function start(options: Partial<HttpOptions> = {}): Promise<HttpService> {
  const environment = { LOG_LEVEL: 'info' };
  const logger = createLogger('test', environment, { write: (line: string) => void lines.push(line) });
  service = await startHttp(
    TestModule,
    { name: 'test', instance: 't1', environment, logger },
    {
      port: 0,
      bodyLimit: 1_000,
      bufferBodies: (type) => type === 'application/xml',
      checks: [],
      headers: { 'x-who': 'latchkey' },
      ...options,
    },
  );
  return service;
}

const logged = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);

beforeEach(() => void lines.splice(0));
afterEach(() => service.close());

const xml = (body: NonNullable<RequestInit['body']>, headers: Record<string, string> = {}) => ({
  method: 'POST',
  body,
  headers: { 'content-type': 'application/xml', ...headers },
});

describe('an HTTP app', () => {
  it('gives the controller the bytes of the body and keeps none of them in the log', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/echo`, xml('<a>secret</a>'));
    expect(await answer.text()).toBe('<a>secret</a>');
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers.get('x-who')).toBe('latchkey');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    await eventually(() => logged().some(({ msg }) => msg === 'request'));
    expect(logged().find(({ msg }) => msg === 'request')).toMatchObject({
      status: 200,
      route: '/echo',
      contentId: 'movie',
      keys: 2,
      exchangeId: answer.headers.get('x-request-id'),
    });
    expect(lines.join('')).not.toContain('secret');
  });

  it.each([
    ['another media type', { 'content-type': 'application/json' }, 415],
    ['no media type', { 'content-type': '' }, 415],
    ['another charset', { 'content-type': 'application/xml; charset=foo' }, 415],
    ['a content encoding', { 'content-encoding': 'gzip' }, 415],
  ])('refuses a body with %s', async (_, headers, status) => {
    const { url } = await start();
    const answer = await fetch(`${url}/echo`, xml(Buffer.from('<a/>'), headers));
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-who')).toBe('latchkey');
  });

  it('refuses a body over the limit', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/echo`, xml('a'.repeat(1_001)));
    expect([answer.status, await answer.text()]).toEqual([413, 'The body is larger than this server takes']);
  });

  it('refuses one that grows over the limit without having said so', async () => {
    const { url } = await start();
    const parts = ReadableStream.from([Buffer.alloc(600, 'a'), Buffer.alloc(600, 'a')]);
    const answer = await fetch(`${url}/echo`, { ...xml(parts as never), duplex: 'half' } as RequestInit);
    expect([answer.status, answer.headers.get('connection')]).toEqual([413, 'close']);
  });

  it('puts together what comes in parts', async () => {
    const { url } = await start();
    const parts = ReadableStream.from([Buffer.from('<a>'), Buffer.from('</a>')]);
    const answer = await fetch(`${url}/echo`, { ...xml(parts as never), duplex: 'half' } as RequestInit);
    expect(await answer.text()).toBe('<a></a>');
  });

  // promise 13
  it('says nothing of its inside when it fails', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/broken`);
    expect(answer.status).toBe(500);
    expect(await answer.text()).toBe(`Internal error\nRequest ${answer.headers.get('x-request-id')}`);
    expect(lines.join('')).toContain('secret detail');
  });

  // promise 23
  it('answers a part that is down with 503, Retry-After and no more', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/fault`);
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await answer.text()).not.toMatch(/dynamodb|10\.0/);
  });

  it('answers a fault that is the caller’s in its own words', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/conflict`);
    expect([answer.status, await answer.text()]).toEqual([409, 'that key exists with another value']);
  });

  it.each([
    ['unknown', '/nowhere', 404, 'not-found'],
    ['badly encoded', '/%zz', 400, 'bad-request'],
    ['too long', `/${'a'.repeat(20_000)}`, 431, undefined],
  ])('answers a path that is %s', async (_, path, status, code) => {
    const { url } = await start();
    const answer = await fetch(url + path, { headers: { accept: 'application/problem+json' } });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-who')).toBe('latchkey');
    if (code) expect(await answer.json()).toMatchObject({ code, status });
  });

  it('says which methods a path has to those who try another', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/slow`, { method: 'DELETE' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await fetch(`${url}/echo`)).headers.get('allow')).toBe('POST');
    const options = await fetch(`${url}/echo`, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('answers RFC 9457 to those who accept it, text to others', async () => {
    const { url } = await start();
    const json = await fetch(`${url}/problem`, { headers: { accept: 'application/problem+json' } });
    expect(json.headers.get('content-type')).toContain('application/problem+json');
    expect(await json.json()).toEqual({
      type: 'docs/problems.md#own-code',
      title: 'Unprocessable Entity',
      status: 422,
      code: 'own-code',
      detail: 'Own text',
      instance: `urn:uuid:${json.headers.get('x-request-id')}`,
    });
    const text = await fetch(`${url}/problem`);
    expect([await text.text(), text.headers.get('x-more')]).toEqual(['Own text', '1']);
  });

  it('sheds what it cannot take at once, and still answers probes', async () => {
    const { url } = await start({ limits: { inFlight: 1 } });
    const slow = fetch(`${url}/slow`);
    await eventually(async () => (await fetch(`${url}/echo`, xml('<a/>'))).status === 503);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    release();
    expect(await (await slow).text()).toBe('done');
    await eventually(async () => (await fetch(`${url}/echo`, xml('<a/>'))).status === 200);
  });

  it('is ready while its parts are, and not when one hangs, throws or says no', async () => {
    let check: HealthCheck['check'] = () => true;
    const { url } = await start({ checks: [{ name: 'bus', check: () => check() }] });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    check = () => false;
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    check = () => Promise.reject(new Error('no'));
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    check = () => new Promise(() => undefined);
    const hanging = await fetch(`${url}/readyz`);
    expect([hanging.status, await hanging.text()]).toEqual([503, '{"status":"not ready"}']);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('finishes what is at work before it closes', async () => {
    const { url } = await start();
    const idle = release;
    const slow = fetch(`${url}/slow`);
    await eventually(() => release !== idle);
    const closed = service.close();
    setTimeout(() => release(), 50);
    expect(await (await slow).text()).toBe('done');
    await closed;
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  // promise 34
  it.each([
    ['two transfer codings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n'],
    ['length and chunks', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a signed length', 'Content-Length: +5\r\n\r\nabcde'],
    ['a list of lengths', 'Content-Length: 5, 5\r\n\r\nabcde'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef'],
    ['a huge length', 'Content-Length: 99999999999999999999\r\n\r\nx'],
    ['NUL in a header', 'X-A: a\0b\r\nContent-Length: 0\r\n\r\n'],
    ['a bad chunk size', 'Transfer-Encoding: chunked\r\n\r\nZZ\r\nx\r\n0\r\n\r\n'],
  ])('gives one refusal, then closes, to a request with %s', async (_, rest) => {
    const { url } = await start();
    const answer = await raw(url, `POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n${rest}`);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual([expect.stringMatching(/ 4\d\d$/)]);
    expect(answer.toLowerCase()).toContain('x-who: latchkey');
  });
});

function raw(url: string, bytes: string): Promise<string> {
  const { port, hostname } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'));
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}
