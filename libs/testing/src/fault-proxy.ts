import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to a request on its way to an AWS endpoint. */
export type WireFault =
  /** Answered with an AWS error, and never passed on. */
  | { readonly kind: 'error'; readonly type: string; readonly status?: number }
  /** Taken and never answered. */
  | { readonly kind: 'hang' }
  /** Passed on; the answer is thrown away and the connection cut. */
  | { readonly kind: 'dropResponse' }
  /** Passed on; the answer is thrown away and the connection stays. */
  | { readonly kind: 'hangAfter' }
  /** Passed on twice; the second answer is given. */
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** The connection is cut at once. */
  | { readonly kind: 'down' };

export interface FaultRule {
  readonly fault: WireFault;
  /** The action of X-Amz-Target, e.g. `TransactWriteItems`; absent: any. */
  readonly action?: string | RegExp;
  /** Of 1; absent: always. */
  readonly probability?: number;
  /** Lets so many that fit pass first. */
  readonly skip?: number;
  /** Only so many after that; absent: all. */
  readonly first?: number;
}

export interface FaultProxy {
  readonly endpoint: string;
  /** Requests by action since the last `reset`. */
  readonly requests: Map<string, number>;
  /** In place of those before. */
  rules(...rules: FaultRule[]): void;
  reset(): void;
  close(): Promise<void>;
}

/** A proxy before an AWS endpoint (DynamoDB, KMS) that does to requests what networks and services do. */
export async function startFaultProxy(target: string, random: () => number = Math.random): Promise<FaultProxy> {
  const proxy = new FaultyWay(new URL(target), random);
  const server = createServer((request, response) => void proxy.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: proxy.requests,
    rules: (...rules) => proxy.use(rules),
    reset: () => {
      proxy.use([]);
      proxy.requests.clear();
    },
    close: () => closeServer(server),
  };
}

class FaultyWay {
  readonly requests = new Map<string, number>();
  #rules: { rule: FaultRule; seen: number; done: number }[] = [];

  constructor(
    private readonly target: URL,
    private readonly random: () => number,
  ) {}

  use(rules: readonly FaultRule[]): void {
    this.#rules = rules.map((rule) => ({ rule, seen: 0, done: 0 }));
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const action = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    this.requests.set(action, (this.requests.get(action) ?? 0) + 1);
    const fault = this.#faultFor(action);
    if (fault?.kind === 'down') return void request.socket.destroy();
    const body = await bytesOf(request);
    try {
      await this.#answer(request, body, fault, response);
    } catch {
      request.socket.destroy();
    }
  }

  #faultFor(action: string): WireFault | undefined {
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (!fits(rule.action, action) || entry.seen++ < (rule.skip ?? 0)) continue;
      if (entry.done >= (rule.first ?? Infinity) || this.random() >= (rule.probability ?? 1)) continue;
      entry.done++;
      return rule.fault;
    }
    return undefined;
  }

  async #answer(
    request: IncomingMessage,
    body: Buffer,
    fault: WireFault | undefined,
    response: ServerResponse,
  ): Promise<void> {
    switch (fault?.kind) {
      case 'error':
        response.writeHead(fault.status ?? 400, { 'content-type': 'application/x-amz-json-1.0' });
        response.end(JSON.stringify({ __type: `com.amazonaws.fault#${fault.type}`, message: 'as told' }));
        return;
      case 'hang':
        return;
      case 'dropResponse':
        await this.#pass(request, body);
        request.socket.destroy();
        return;
      case 'hangAfter':
        await this.#pass(request, body);
        return;
      case 'duplicate':
        await this.#pass(request, body);
        break;
      case 'delay':
        await new Promise((resolve) => setTimeout(resolve, fault.ms));
        break;
      default:
    }
    const { status, headers, bytes } = await this.#pass(request, body);
    response.writeHead(status, headers).end(bytes);
  }

  #pass(
    request: IncomingMessage,
    body: Buffer,
  ): Promise<{ status: number; headers: IncomingMessage['headers']; bytes: Buffer }> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = this.target;
      const onward = httpRequest(
        // The host header was signed for us: the target does not check signatures.
        { hostname, port, method: request.method, path: request.url, headers: request.headers, agent: false },
        (answer) =>
          void bytesOf(answer).then(
            (bytes) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, bytes }),
            reject,
          ),
      );
      onward.once('error', reject);
      onward.end(body);
    });
  }
}

function fits(wanted: string | RegExp | undefined, action: string): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === 'string' ? wanted === action : wanted.test(action);
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
