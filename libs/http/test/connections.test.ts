import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { request as requestHttps } from 'node:https';
import { connect, type Socket } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { webcrypto } from 'node:crypto';
import { Body, Controller, Get, HttpCode, Module, Post } from '@nestjs/common';
import { cryptoProvider, X509CertificateGenerator } from '@peculiar/x509';
import { createLogger } from '@latchkey/runtime';
import { eventually, temporaryDirectory } from '@latchkey/testing';
import { HTTP_LIMITS, startHttp, type HttpOptions, type HttpService } from '../src/index';

@Controller()
class Routes {
  @Post('echo')
  @HttpCode(200)
  echo(@Body() body: Buffer) {
    return body;
  }

  @Get('big')
  big() {
    return 'x'.repeat(8 * 1024 * 1024);
  }
}

@Module({ controllers: [Routes] })
class TestModule {}

let service: HttpService | undefined;
afterEach(() => service?.close());

async function start(options: Partial<HttpOptions> = {}): Promise<URL> {
  const environment = {};
  const logger = createLogger('test', environment, { write: () => undefined });
  service = await startHttp(
    TestModule,
    { name: 'test', instance: 't1', environment, logger },
    { port: 0, bodyLimit: 1_000, bufferBodies: () => true, checks: [], ...options },
  );
  return new URL(service.url);
}

// promise 30, promise 34: what one connection may cost.
it('limits are these', () => {
  expect(HTTP_LIMITS).toEqual({
    headerBytes: 16_384,
    headersTimeoutMs: 8_000,
    requestTimeoutMs: 12_000,
    checkEveryMs: 2_000,
    stalledSocketMs: 15_000,
    keepAliveMs: 65_000,
    pathParameter: 3_072,
    requestsPerSocket: 100_000,
    inFlight: 512,
    tlsPollMs: 5_000,
    closeMs: 7_000,
  });
});

/** Short, and long enough for whoever is not slow on a busy machine. */
const SHORT = { headersTimeoutMs: 4_000, requestTimeoutMs: 5_000, checkEveryMs: 100, stalledSocketMs: 3_000 };

// promise 34
describe('a slow client', () => {
  const attacks: [string, (socket: Socket) => void][] = [
    ['says nothing', () => undefined],
    ['never ends its headers', (socket) => drip(socket, 'POST /echo HTTP/1.1\r\nHost: x\r\n', 'X-A: b\r\n')],
    [
      'never ends its body',
      (socket) =>
        drip(socket, 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: 900\r\n\r\n', 'x'),
    ],
    [
      'never ends its chunks',
      (socket) =>
        drip(
          socket,
          'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n',
          '1\r\nx\r\n',
        ),
    ],
    [
      'does not read its answer',
      (socket) => {
        socket.pause();
        socket.write('GET /big HTTP/1.1\r\nHost: x\r\n\r\n');
      },
    ],
  ];

  it(`that ${attacks.map(([what]) => what).join(', or ')}, is cut off, and costs others nothing`, async () => {
    const url = await start({ limits: SHORT });
    const slow = new Set<string>();
    for (const [what, attack] of attacks) {
      slow.add(what);
      const socket = connect(Number(url.port), url.hostname);
      socket.on('error', () => undefined).once('close', () => slow.delete(what));
      attack(socket);
      // Only who reads learns that it was cut off; Node does that when a second look finds no progress.
      setTimeout(() => socket.resume(), socket.isPaused() ? 4 * SHORT.stalledSocketMs : 0);
    }
    const good = await fetch(`${url.href}echo`, { method: 'POST', body: 'x', headers: { 'content-type': 'a/b' } });
    expect(good.status).toBe(200);
    await eventually(
      () => slow.size === 0,
      () => `the end of the connection that ${[...slow].join(', or ')}`,
    );
  });
});

describe('TLS', () => {
  it('serves HTTP/2 to those who ask for it, and HTTP/1.1 to others', async () => {
    const files = await certificate('one');
    const url = await start({ tls: files, http2: true });
    expect(url.protocol).toBe('https:');
    const h2 = connectHttp2(url.href, { rejectUnauthorized: false });
    expect(await overHttp2(h2, '/echo', 'hello')).toEqual([200, 'hello']);
    expect(h2.alpnProtocol).toBe('h2');
    expect((await overHttp2(h2, '/nothing', 'hello'))[0]).toBe(404);
    h2.close();
    const h1 = await overHttps(url);
    expect([h1.status, h1.version, h1.headers['strict-transport-security']]).toEqual([200, '1.1', 'max-age=31536000']);
  });

  it('takes a renewed certificate into use', async () => {
    const files = await certificate('old');
    const url = await start({ tls: files, limits: { tlsPollMs: 50 } });
    expect((await overHttps(url)).subject).toBe('old');
    const renewed = await certificate('new');
    writeFileSync(files.key, renewed.pem.key);
    // Half done: the old certificate with the new key does not fit, and the old pair stays.
    await new Promise((done) => setTimeout(done, 200));
    expect((await overHttps(url)).subject).toBe('old');
    writeFileSync(files.certificate, renewed.pem.certificate);
    await eventually(async () => (await overHttps(url)).subject === 'new');
  });

  it.each<[string, string]>([
    ['headers', 'POST /echo HTTP/1.1\r\nHost: x\r\n'],
    ['a body', 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: 900\r\n\r\n'],
  ])('cuts slow clients off that never end %s', async (_, beginning) => {
    const { connect: connectTls } = await import('node:tls');
    const url = await start({ tls: await certificate('one'), limits: SHORT });
    const socket = connectTls({ port: Number(url.port), host: url.hostname, rejectUnauthorized: false });
    socket.on('error', () => undefined);
    const closed = new Promise<void>((done) => socket.once('close', () => done()));
    drip(socket, beginning, 'X');
    socket.resume();
    await closed;
  });
});

function drip(socket: Socket, beginning: string, drop: string): void {
  socket.write(beginning);
  const timer = setInterval(() => socket.write(drop), 100);
  socket.once('close', () => clearInterval(timer));
}

function overHttp2(session: ClientHttp2Session, path: string, body: string): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'a/b' });
    let status = 0;
    let text = '';
    stream.on('response', (headers) => (status = Number(headers[':status'])));
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    stream.on('end', () => resolve([status, text]));
    stream.on('error', reject);
    stream.end(body);
  });
}

function overHttps(url: URL) {
  return new Promise<{
    status: number | undefined;
    version: string;
    subject: string;
    headers: Record<string, unknown>;
  }>((resolve, reject) => {
    const request = requestHttps(`${url.href}healthz`, { rejectUnauthorized: false, agent: false }, (response) => {
      const { subject } = (response.socket as import('node:tls').TLSSocket).getPeerCertificate();
      response.resume();
      const { statusCode: status, httpVersion: version, headers } = response;
      resolve({ status, version, subject: String(subject.CN), headers });
    });
    request.on('error', reject);
    request.end();
  });
}

async function certificate(name: string) {
  cryptoProvider.set(webcrypto as unknown as Parameters<typeof cryptoProvider.set>[0]);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    signingAlgorithm: algorithm,
    keys: keys as never,
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const pem = {
    certificate: made.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
  };
  const directory = temporaryDirectory();
  const files = { certificate: join(directory, 'tls.crt'), key: join(directory, 'tls.key') };
  writeFileSync(files.certificate, pem.certificate);
  writeFileSync(files.key, pem.key);
  return { ...files, pem };
}
