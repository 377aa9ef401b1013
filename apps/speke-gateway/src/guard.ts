import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from './caller';
import type { Door } from './door';
import { ExchangeReport, type ExchangeReports } from './exchange-report';

/** Puts the door before every path that deals in keys, and reports what came of each request. */
export function guard(fastify: FastifyInstance, door: Door, reports: ExchangeReports): void {
  fastify.decorateRequest('caller', null as unknown as Caller);
  fastify.decorateRequest('report', null);
  fastify.addHook('onRequest', (request, _, done) => {
    const resource = resourceOf(request);
    if (!resource) return done();
    const caller = door.admit(request);
    request.caller = caller;
    request.report = new ExchangeReport(resource, caller.tenant.id, caller.requester);
    request.exchange.note({
      tenant: caller.tenant.id,
      encryptor: caller.requester.encryptorId,
      userAgent: caller.requester.userAgent,
    });
    done();
  });
  fastify.addHook('onResponse', (request: FastifyRequest, reply: FastifyReply, done) => {
    if (request.report) reports.tell(request.report, request, reply);
    done();
  });
}

function resourceOf(request: FastifyRequest): ExchangeReport['resource'] | undefined {
  const route = request.routeOptions.url;
  if (route?.endsWith('/copyProtection')) return 'copyProtection';
  return undefined;
}
