import type { FastifyReply, FastifyRequest } from 'fastify';
import { SPEKE_VERSIONS, type SpekeVersion } from '@latchkey/speke';

/** Who we are, and no more: a version would tell which holes to try. */
const USER_AGENT = 'Latchkey';

/** On every answer, also to what could not be read. An answer may hold keys: nobody on the way keeps it. */
export const SPEKE_HEADERS: Readonly<Record<string, string>> = {
  'x-speke-user-agent': USER_AGENT,
  'cache-control': 'no-store',
};

/** SPEKE 2 calls its identity header X-Speke-User-Agent and wants the request's version back; SPEKE 1 Speke-User-Agent. */
export function setSpekeHeaders(request: FastifyRequest, reply: FastifyReply): void {
  const asked = request.headers['x-speke-version'];
  if (asked === undefined || asked === '1.0') {
    reply.removeHeader('x-speke-user-agent').header('speke-user-agent', USER_AGENT);
  }
  const known = SPEKE_VERSIONS.find((version) => version === asked);
  if (known) reply.header('x-speke-version', known);
}

/** For a kept document, whose version is its own and not the request's. */
export function setHeadersOfVersion(version: SpekeVersion, reply: FastifyReply): void {
  for (const name of ['speke-user-agent', 'x-speke-user-agent', 'x-speke-version']) reply.removeHeader(name);
  if (version === '1.0') reply.header('speke-user-agent', USER_AGENT);
  else reply.headers({ 'x-speke-user-agent': USER_AGENT, 'x-speke-version': version });
}

/** Header names of a request come in any case; Node has them in lower case. Sent twice, they are joined by a comma. */
export function spekeVersionHeader(request: FastifyRequest): string | undefined {
  return request.headers['x-speke-version'] as string | undefined;
}
