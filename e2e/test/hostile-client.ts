import { createServer, request, type ClientRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { BadInputFixture } from '@latchkey/testing';

const PATIENCE_MS = 100_000;
/** After which a second answer would have come. */
const QUIET_MS = 500;

export interface Reply {
  /** `close`: the connection ended without an answer. */
  readonly status: number | 'close';
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** How many answers came to one request. */
  readonly answers: number;
}

/** Sends a fixture as it is meant, down to the bytes on the wire. {{CANARY}} in its body becomes `canary`. */
export function send(url: string, fixture: BadInputFixture, canary = ''): Promise<Reply> {
  const target = new URL(url);
  const body = Buffer.from(fixture.body.toString('latin1').replaceAll('{{CANARY}}', canary), 'latin1');
  return fixture.raw === undefined ? sendRequest(target, fixture, body) : sendBytes(target, fixture, body);
}

function sendRequest(target: URL, fixture: BadInputFixture, body: Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: target.hostname,
        port: target.port,
        path: target.pathname + (fixture.path ?? '') + (fixture.query ?? ''),
        method: 'POST',
        headers: headersOf(fixture, body),
        agent: false,
        timeout: PATIENCE_MS,
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString(),
            answers: 1,
          }),
        );
        incoming.on('error', reject);
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? resolve(CLOSED) : reject(error),
    );
    writeBody(outgoing, fixture, body);
  });
}

const CLOSED: Reply = { status: 'close', headers: {}, body: '', answers: 0 };

function headersOf({ speke, contentType, contentEncoding, transfer, headers }: BadInputFixture, body: Buffer) {
  return {
    ...(!contentEncoding && !transfer && { 'Content-Length': body.length }),
    ...(speke !== null && { 'X-Speke-Version': speke }),
    ...(contentType !== null && { 'Content-Type': contentType ?? 'application/xml' }),
    ...(contentEncoding && { 'Content-Encoding': 'gzip' }),
    ...(headers as Record<string, string | string[]> | undefined),
  };
}

function writeBody(outgoing: ClientRequest, { contentEncoding, transfer }: BadInputFixture, body: Buffer): void {
  if (contentEncoding === 'gzip-truncated') {
    const packed = gzipSync(body);
    outgoing.end(packed.subarray(0, packed.length / 2));
  } else if (transfer === 'chunked-7') {
    for (let at = 0; at < body.length; at += 7) outgoing.write(body.subarray(at, at + 7));
    outgoing.end();
  } else {
    outgoing.end(body);
  }
}

function sendBytes(target: URL, fixture: BadInputFixture, body: Buffer): Promise<Reply> {
  const bytes = (fixture.raw ?? '')
    .replaceAll('{{PATH}}', target.pathname)
    .replaceAll('{{HOST}}', target.host)
    .replaceAll('{{AUTH}}', '')
    .replaceAll('{{LEN}}', String(body.length))
    .replaceAll('{{BODY}}', body.toString('latin1'));
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ port: Number(target.port), host: target.hostname, allowHalfOpen: true }, () => {
      socket.write(Buffer.from(bytes, 'latin1'));
      if (fixture.flag === 'half-close') socket.end();
    });
    const finish = () => {
      socket.destroy();
      resolve(readReply(text));
    };
    let quiet = setTimeout(finish, PATIENCE_MS);
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      clearTimeout(quiet);
      quiet = setTimeout(finish, isComplete(text) ? QUIET_MS : PATIENCE_MS);
    });
    socket.on('end', finish).on('error', finish);
  });
}

/** On a connection that stays open only the length tells. */
function isComplete(text: string): boolean {
  const { headers, body } = readReply(text);
  return body.length >= Number(headers['content-length'] ?? Infinity);
}

function readReply(text: string): Reply {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
  if (!status) return { ...CLOSED, body: text };
  const end = text.indexOf('\r\n\r\n');
  const lines = text.slice(0, end).split('\r\n').slice(1);
  return {
    status: Number(status),
    headers: Object.fromEntries(lines.map(readHeader)),
    body: text.slice(end + 4),
    answers: text.split(/HTTP\/1\.[01] \d{3}/).length - 1,
  };
}

function readHeader(line: string): [string, string] {
  const at = line.indexOf(':');
  return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
}

/** An address that nobody must be made to ask. */
export class Canary {
  readonly visits: string[] = [];
  readonly #server = createServer((incoming, outgoing) => {
    this.visits.push(`${incoming.method} ${incoming.url}`);
    outgoing.end();
  });

  static async open(): Promise<Canary> {
    const canary = new Canary();
    await new Promise<void>((done) => canary.#server.listen(0, '127.0.0.1', done));
    return canary;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): Promise<void> {
    return new Promise((done) => this.#server.close(() => done()));
  }
}
