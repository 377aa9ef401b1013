import { metrics, trace, ValueType } from '@opentelemetry/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '@latchkey/runtime';
import { isHealthProbe } from './health';
import { shortHeader } from './exchange';
import { endServerSpan, enterServerSpan, startServerSpan } from './server-span';

/**
 * What is seen of each request: one log line, a span, a duration. Hooks, as a Nest interceptor for each costs twenty
 * times as much. Health probes leave no trace.
 */
export function observe(fastify: FastifyInstance, logger: Logger): void {
  const tracer = trace.getTracer('@latchkey/http');
  const duration = metrics.getMeter('@latchkey/http').createHistogram('http.server.request.duration', {
    unit: 's',
    valueType: ValueType.DOUBLE,
    advice: { explicitBucketBoundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5] },
  });

  fastify.addHook('onRequest', (request, _, done) => {
    if (!isHealthProbe(request.url)) startServerSpan(tracer, request);
    done();
  });
  fastify.addHook('preHandler', (request, _, done) => enterServerSpan(request.exchange, done));
  fastify.addHook('onResponse', (request, reply, done) => {
    if (isHealthProbe(request.url)) return done();
    duration.record(request.exchange.durationMs / 1_000, labels(request, reply));
    endServerSpan(request.exchange, reply);
    logAccess(logger, request, reply);
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
      traceId: exchange.span?.spanContext().traceId,
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

/** Few values each: a route, not a path. */
function labels(request: FastifyRequest, reply: FastifyReply) {
  return {
    'http.request.method': KNOWN_METHODS.has(request.method) ? request.method : '_OTHER',
    'http.route': request.routeOptions.url ?? '',
    'http.response.status_code': reply.statusCode,
  };
}

const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']);
