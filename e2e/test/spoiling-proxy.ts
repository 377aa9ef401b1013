import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Exchange {
  readonly method: string;
  path: string;
  readonly headers: Record<string, string | undefined>;
  body: string;
}

export interface Answer {
  status: number;
  readonly headers: Record<string, string>;
  /** Latin-1: every byte one character. */
  body: string;
}

/** What a fault does to requests on their way in, and to answers on their way out. */
export interface Spoiling {
  readonly request?: (request: Exchange) => void;
  readonly answer?: (answer: Answer, request: Exchange) => void;
}

/** A server with a fault: a good one behind, and something spoiled on the way. */
export class SpoilingProxy {
  spoiling: Spoiling = {};
  target = '';

  private constructor(private readonly server: Server) {}

  static async start(): Promise<SpoilingProxy> {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const proxy = new SpoilingProxy(server);
    server.on('request', (request, response) => {
      proxy.forward(request).then(
        ({ status, headers, body }) => response.writeHead(status, headers).end(Buffer.from(body, 'latin1')),
        (error: Error) => response.writeHead(502).end(error.message),
      );
    });
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async forward(incoming: IncomingMessage): Promise<Answer> {
    const { host: _, connection: __, ...headers } = incoming.headers as Record<string, string>;
    const { method = 'GET', url: path = '/' } = incoming;
    const request: Exchange = { method, path, headers, body: await text(incoming) };
    this.spoiling.request?.(request);
    const { 'content-length': ___, ...sent } = request.headers as Record<string, string>;
    const hasBody = method !== 'GET' && method !== 'HEAD';
    const reply = await fetch(this.target + request.path, {
      method,
      headers: sent,
      ...(hasBody && { body: request.body }),
    });
    const { 'content-length': ____, ...answered } = Object.fromEntries(reply.headers) as Record<string, string>;
    const body = Buffer.from(await reply.arrayBuffer()).toString('latin1');
    const answer: Answer = { status: reply.status, headers: answered, body };
    this.spoiling.answer?.(answer, request);
    return answer;
  }
}
