import { HttpProblem } from '@latchkey/http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { licenseJson, parseLicenseRequest } from './clear-key-license';
import { CLOSED, type CorsRules } from './cors';
import { KeyPaths, parseContentPath, tenantOfPath } from './delivery-path';
import type { DeliveryRules } from './delivery-rules';
import type { HandedOut, HandedOutKey, KeyDesk, KeyRequest } from './key-desk';
import { keyName, type ContentName, type KeyName } from './key-name';

const KEY_METHODS = 'GET, HEAD, OPTIONS';
const LICENSE_METHODS = 'POST, OPTIONS';

/**
 * The players' routes, on Fastify itself: this is the one path where a Nest controller would cost more than the work
 * (docs/decisions). Paths are taken as they came and taken apart by delivery-path.
 */
export function routeDeliveries(fastify: FastifyInstance, rules: DeliveryRules, desk: KeyDesk): void {
  const routes = new DeliveryRoutes(rules, desk);
  fastify.route({ method: ['GET', 'HEAD'], url: '/keys/*', handler: (request, reply) => routes.key(request, reply) });
  fastify.route({ method: 'POST', url: '/clearkey/*', handler: (request, reply) => routes.license(request, reply) });
  fastify.options('/keys/*', (request, reply) => routes.preflight(request, reply, KEY_METHODS));
  fastify.options('/clearkey/*', (request, reply) => routes.preflight(request, reply, LICENSE_METHODS));
  fastify.route({
    method: ['POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/keys/*',
    handler: () => refuseMethod(KEY_METHODS),
  });
  fastify.route({
    method: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'],
    url: '/clearkey/*',
    handler: () => refuseMethod(LICENSE_METHODS),
  });
}

/** CORS is on every answer to a player, also on those that no route gives: a page that cannot read a refusal cannot show it. */
export function openToOrigins(rules: DeliveryRules, request: FastifyRequest, reply: FastifyReply): void {
  if (!request.url.startsWith('/keys/') && !request.url.startsWith('/clearkey/')) return;
  reply.headers(corsOf(rules, request).answer(request.headers.origin));
}

function corsOf(rules: DeliveryRules, { url }: FastifyRequest): CorsRules {
  const tenant = tenantOfPath(url);
  return (tenant === undefined ? undefined : rules.of(tenant))?.cors ?? CLOSED;
}

class DeliveryRoutes {
  readonly #paths = new KeyPaths();

  constructor(
    private readonly rules: DeliveryRules,
    private readonly desk: KeyDesk,
  ) {}

  /** 200 is always the 16 bytes of the key, whole and as they are. */
  key(request: FastifyRequest, reply: FastifyReply): unknown {
    const name = this.#paths.parse(request.url);
    const handedOut = this.desk.handOut(keyRequest(request, name, [name], request.method === 'GET'));
    const send = (handed: HandedOut) => sendKey(request, reply, handed);
    return handedOut instanceof Promise ? handedOut.then(send) : send(handedOut);
  }

  async license(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const content = parseContentPath(request.url);
    const { keyIds, type } = parseLicenseRequest(request.body as Buffer | undefined);
    const names = keyIds.map((keyId) => keyName(content, keyId));
    const { keys } = await this.desk.handOut(keyRequest(request, content, names, true));
    const body = licenseJson(keys, type);
    for (const { bytes } of keys) bytes.fill(0);
    return reply.headers(NO_STORE).type('application/json').send(body);
  }

  preflight(request: FastifyRequest, reply: FastifyReply, methods: string): FastifyReply {
    const headers = corsOf(this.rules, request).preflight(request.headers.origin, methods);
    return reply
      .status(204)
      .headers({ allow: methods, 'cache-control': 'no-store', ...headers })
      .send();
  }
}

function keyRequest(
  request: FastifyRequest,
  content: ContentName,
  names: readonly KeyName[],
  counts: boolean,
): KeyRequest {
  request.exchange.note({
    tenant: content.tenant,
    contentId: content.contentId,
    keyIds: names.map(({ keyId }) => keyId),
  });
  return {
    content,
    keyId: request.method === 'POST' ? undefined : names[0]?.keyId,
    names,
    counts,
    format: request.method === 'POST' ? 'clearkey' : 'aes-128',
    headers: request.headers,
    query: request.query as KeyRequest['query'],
    address: request.ip,
    exchange: request.exchange,
  };
}

function sendKey(request: FastifyRequest, reply: FastifyReply, { keys, grant, rules }: HandedOut): FastifyReply {
  const [key] = keys as [HandedOutKey];
  // A key ID names one key for ever, so it is the key's version too.
  const etag = `"${key.keyId}"`;
  reply.headers(cacheHeaders(rules.cacheSeconds, [grant.endsAt, key.expiresAt])).header('etag', etag);
  if (matches(request.headers['if-none-match'], etag)) {
    key.bytes.fill(0);
    return reply.status(304).send();
  }
  reply.raw.once('close', () => key.bytes.fill(0));
  return reply.header('content-type', 'application/octet-stream').send(key.bytes);
}

const NO_STORE = { 'cache-control': 'private, no-store' };

/** Never past the end of what it rests on: the signature, the key's own life. */
function cacheHeaders(seconds: number, ends: readonly (number | undefined)[]): Record<string, string> {
  if (seconds === 0) return NO_STORE;
  const left = Math.min(
    seconds,
    ...ends.map((end) => (end === undefined ? seconds : Math.floor((end - Date.now()) / 1_000))),
  );
  return left > 0 ? { 'cache-control': `public, max-age=${left}, immutable` } : NO_STORE;
}

/** RFC 9110, 13.1.2: weak comparison. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

function refuseMethod(allow: string): never {
  throw new HttpProblem(405, 'method-not-allowed', 'This path has no such method', { headers: { allow } });
}
