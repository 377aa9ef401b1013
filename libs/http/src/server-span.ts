import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Exchange, ExchangeFact } from './exchange';

/**
 * One server span for each request, by hand (HTTP semantic conventions): the general instrumentation costs five times
 * as much. Without a tracer that records, nothing is made.
 */
export function startServerSpan(tracer: Tracer, request: FastifyRequest): void {
  const parent = propagation.extract(ROOT_CONTEXT, request.headers);
  const span = tracer.startSpan(
    spanName(request),
    { kind: SpanKind.SERVER, attributes: attributesOf(request) },
    parent,
  );
  if (!span.isRecording() && !trace.getSpanContext(parent)) return;
  request.exchange.span = span;
  request.exchange.context = trace.setSpan(parent, span);
}

/** Runs what follows, the handler, inside the span. A hook that comes after the body has been read: reading loses it. */
export function enterServerSpan(exchange: Exchange, next: () => void): void {
  if (exchange.context) context.with(exchange.context, next);
  else next();
}

export function endServerSpan(exchange: Exchange, reply: FastifyReply): void {
  const { span } = exchange;
  if (!span) return;
  span.setAttribute('http.response.status_code', reply.statusCode);
  for (const [name, value] of Object.entries(exchange.facts)) setFact(span, name, value);
  if (exchange.code) span.setAttribute('error.type', exchange.code);
  if (reply.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

function setFact(span: NonNullable<Exchange['span']>, name: string, value: ExchangeFact): void {
  if (value !== undefined) span.setAttribute(`latchkey.${name}`, Array.isArray(value) ? [...value] : (value as string));
}

function spanName(request: FastifyRequest): string {
  const route = request.routeOptions.url;
  return route ? `${request.method} ${route}` : request.method;
}

/** The route, not the path: a path may hold a content ID, and a query a token. */
function attributesOf(request: FastifyRequest) {
  return {
    'http.request.method': request.method,
    'http.route': request.routeOptions.url ?? '',
    'url.scheme': request.protocol,
    'client.address': request.ip,
    'user_agent.original': request.headers['user-agent'] ?? '',
  };
}
