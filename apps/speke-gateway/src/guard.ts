import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { UNKNOWN_TENANT } from '@latchkey/tenants';
import { AuthenticationFailure } from './door/authentication-failure';
import type { Admission, Door } from './door/door';
import { encryptorName } from './door/encryptor-name';
import { ExchangeReport, type ExchangeReports } from './exchange-report';
import type { Caller } from './caller';

declare module 'fastify' {
  interface FastifyRequest {
    admission: Admission | null;
  }
}

const NO_BODY = Buffer.alloc(0);

/**
 * Puts the door before every path that deals in keys, before a byte of the body is read, and reports what came of each
 * request once it is answered.
 */
export function guard(fastify: FastifyInstance, door: Door, reports: ExchangeReports): void {
  fastify.decorateRequest('caller', null as unknown as Caller);
  fastify.decorateRequest('admission', null);
  fastify.decorateRequest('report', null as unknown as ExchangeReport);

  fastify.addHook('onRequest', (request, reply, done) => {
    const resource = resourceOf(request);
    if (!resource) return done();
    const stranger = { encryptorId: 'unknown', userAgent: encryptorName(request), address: request.ip };
    request.report = new ExchangeReport(resource, UNKNOWN_TENANT, stranger);
    letIn(door, request, reply, done);
  });
  fastify.addHook('preHandler', (request, _, done) => {
    try {
      request.admission?.confirm?.(bodyOf(request));
      done();
    } catch (error) {
      noteFailure(request, error);
      done(error as Error);
    }
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    if (request.report) reports.tell(request.report, request, reply);
    done();
  });
}

export function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : NO_BODY;
}

function letIn(door: Door, request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
  const enter = (admission: Admission) => {
    admit(request, reply, admission);
    done();
  };
  const turnAway = (error: Error) => {
    noteFailure(request, error);
    done(error);
  };
  try {
    const admission = door.admit(request);
    if (admission instanceof Promise) admission.then(enter, turnAway);
    else enter(admission);
  } catch (error) {
    turnAway(error as Error);
  }
}

function admit(request: FastifyRequest, reply: FastifyReply, admission: Admission): void {
  const { tenant, requester } = admission.caller;
  request.admission = admission;
  request.caller = admission.caller;
  request.report.tenant = tenant.id;
  request.report.requester = requester;
  request.exchange.note({ tenant: tenant.id, encryptor: requester.encryptorId, userAgent: requester.userAgent });
  reply.raw.once('close', () => admission.leave());
}

/** The reason is for the log; the caller is told less. */
function noteFailure(request: FastifyRequest, error: unknown): void {
  if (!(error instanceof AuthenticationFailure)) return;
  const { tenant, about } = error;
  request.report.tenant = tenant;
  request.exchange.note({ tenant, claimed: about.claimed, reason: about.reason });
}

/** The paths that deal in keys. */
function resourceOf(request: FastifyRequest): ExchangeReport['resource'] | undefined {
  const route = request.routeOptions.url;
  if (route === undefined) return undefined;
  if (route.endsWith('/copyProtection')) return 'copyProtection';
  if (route.startsWith('/copyProtectionData/')) return 'copyProtectionData';
  return undefined;
}
