import { trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { instruments, type Logger } from '@latchkey/runtime';
import { isHealthProbe } from './health';
import { shortHeader } from './exchange';
import { endServerSpan, enterServerSpan, startServerSpan } from './server-span';

/**
 * What is seen of each request: one log line, a span, a duration. Hooks, as a Nest interceptor for each costs twenty
 * times as much. Health probes leave no trace.
 */
export function observe(fastify: FastifyInstance, logger: Logger): void {
  const tracer = trace.getTracer('@latchkey/http');

  fastify.addHook('onRequest', (request, _, done) => {
    if (!isHealthProbe(request.url)) startServerSpan(tracer, request);
    done();
  });
  fastify.addHook('preHandler', (request, _, done) => enterServerSpan(request.exchange, done));
  fastify.addHook('onResponse', (request, reply, done) => {
    if (isHealthProbe(request.url)) return done();
    instruments.httpDuration.recordSince(request.exchange.startedAt, labels(request, reply));
    endServerSpan(request.exchange, reply);
    if (logger.isLevelEnabled('info')) logAccess(logger, request, reply);
    done();
  });
  fastify.addHook('onRequestAbort', (request, done) => {
    logger.info({ exchangeId: request.exchange.id, ...request.exchange.facts }, 'request given up by the caller');
    done();
  });
}

function logAccess(logger: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const { exchange } = request;
  logger.info(
    {
      exchangeId: exchange.id,
      ...traceIds(request),
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      code: exchange.code,
      durationMs: Math.round(exchange.durationMs * 100) / 100,
      userAgent: shortHeader(request, 'user-agent'),
      address: request.ip,
      ...exchange.facts,
    },
    'request',
  );
}

/** The span is over and no longer the active one, so that the logger does not find it by itself. */
function traceIds({ exchange }: FastifyRequest) {
  const span = exchange.span?.spanContext();
  return span && { traceId: span.traceId, spanId: span.spanId };
}

type Labels = Parameters<typeof instruments.httpDuration.record>[1];

/** Few values each: a route, not a path. */
function labels(request: FastifyRequest, reply: FastifyReply): Labels {
  return {
    route: request.routeOptions.url ?? 'none',
    method: METHODS.has(request.method) ? (request.method as Labels['method']) : 'other',
    status: `${Math.floor(reply.statusCode / 100)}xx` as Labels['status'],
  };
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']);
