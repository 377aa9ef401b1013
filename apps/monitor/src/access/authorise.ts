import { HttpProblem, unavailable } from '@latchkey/http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ConsoleAccess } from './console-access';
import { FailureLimit } from './failure-limit';
import { IssuerUnavailable } from './oidc';
import { hasRole, type Principal } from './principal';
import { ROUTE_ROLES } from './route-roles';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set for every request under /v1 that got through; absent only for routes that anybody may ask. */
    principal: Principal | undefined;
  }
}

/** Every request under /v1 is let through by its route's role, or refused. */
export function authorise(fastify: FastifyInstance, access: ConsoleAccess): void {
  const failures = new FailureLimit();
  fastify.decorateRequest('principal', undefined);
  fastify.addHook('onRequest', async (request) => {
    if (!request.url.startsWith('/v1')) return;
    if (access.signIn.open) refuseForeignHost(request);
    refuseOtherSites(request);
    request.principal = await identify(request, access, failures);
    refuseWithoutRole(request);
  });
}

/** A token that is known gets through however many others are guessed from the same address. */
async function identify(request: FastifyRequest, access: ConsoleAccess, failures: FailureLimit) {
  const { authorization } = request.headers;
  const known = access.known(authorization);
  if (known || authorization === undefined) return known;
  const wait = failures.waitOf(request.ip);
  if (wait > 0) {
    const headers = { 'retry-after': String(wait) };
    throw new HttpProblem(429, 'too-many-failures', 'Too many tokens that are not known: wait', { headers });
  }
  const principal = await byIssuer(access, authorization);
  if (!principal) failures.failed(request.ip);
  return principal;
}

async function byIssuer(access: ConsoleAccess, authorization: string): Promise<Principal | undefined> {
  try {
    return await access.byIssuer(authorization);
  } catch (error) {
    if (!(error instanceof IssuerUnavailable)) throw error;
    throw unavailable(error, 'Tokens cannot be checked at the moment: try again');
  }
}

function refuseWithoutRole(request: FastifyRequest): void {
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const role = ROUTE_ROLES[`${method} ${request.routeOptions.url}`];
  if (role === 'anybody') return;
  if (!request.principal) {
    const headers = { 'www-authenticate': 'Bearer realm="latchkey console"' };
    throw new HttpProblem(401, 'unauthenticated', 'A bearer token is needed', { headers });
  }
  if (role === undefined) throw new HttpProblem(404, 'not-found', 'There is nothing at this path');
  if (!hasRole(request.principal, role)) {
    throw new HttpProblem(403, 'role-missing', `This needs the role ${role}`);
  }
}

/** An open console is for this machine: a name that somebody else's DNS leads here is not its name. */
function refuseForeignHost(request: FastifyRequest): void {
  if (request.socket.localAddress && !LOOPBACK_ADDRESS.test(request.socket.localAddress)) return;
  if (!LOOPBACK_HOST.test(request.headers.host ?? '')) {
    throw new HttpProblem(403, 'foreign-host', 'An open console answers to localhost only');
  }
}

const LOOPBACK_ADDRESS = /^(127\.|::1$|::ffff:127\.)/;
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/** No cookies are used, so that other sites have nothing to ride on; they are refused all the same. */
function refuseOtherSites(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  if (site === 'cross-site' || site === 'same-site') {
    throw new HttpProblem(403, 'other-site', 'The console answers its own pages only');
  }
}
