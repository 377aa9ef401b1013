import {
  context,
  propagation,
  type SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
} from '@opentelemetry/api';
import { Fault } from '@latchkey/messages';
import type { BusHeaders } from './transport';

const tracer = trace.getTracer('@latchkey/bus');

/** Runs `work` in a span of its own; the headers it is given carry the span to whoever receives them. */
export async function inSpan<T>(
  kind: SpanKind,
  name: string,
  body: unknown,
  work: (headers: Record<string, string>) => Promise<T>,
): Promise<T> {
  const span = tracer.startSpan(name, { kind });
  const headers: Record<string, string> = {};
  if (!span.isRecording()) {
    propagation.inject(context.active(), headers);
    return work(headers);
  }
  span.setAttributes(attributesOf(name, body));
  const active = trace.setSpan(context.active(), span);
  propagation.inject(active, headers);
  try {
    return await context.with(active, work, undefined, headers);
  } catch (error) {
    markFailed(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** Runs `work` in the trace that a message carries. */
export function inTraceOf<T>(headers: BusHeaders, work: () => T): T {
  return context.with(traceOf(headers), work);
}

function traceOf(headers: BusHeaders): Context {
  return headers['traceparent'] === undefined ? context.active() : propagation.extract(context.active(), headers);
}

/** What was asked about: which content and keys, never what is in a key. */
function attributesOf(subject: string, body: unknown): Attributes {
  const { tenant, contentId, keys, keyIds } = (body ?? {}) as Record<string, unknown>;
  return {
    'messaging.system': 'nats',
    'messaging.destination.name': subject,
    ...(typeof tenant === 'string' && { 'latchkey.tenant': tenant }),
    ...(typeof contentId === 'string' && { 'latchkey.content_id': contentId }),
    ...keyIdAttribute(keyIds ?? keys),
  };
}

function keyIdAttribute(keys: unknown): Attributes {
  if (!Array.isArray(keys)) return {};
  const ids = keys.map((key: unknown) => (typeof key === 'string' ? key : (key as { keyId?: unknown } | null)?.keyId));
  return { 'latchkey.key_ids': ids.filter((id) => typeof id === 'string') };
}

/** The code and no more: an error's message may quote what it failed on. */
function markFailed(span: Span, error: unknown): void {
  const code = error instanceof Fault ? error.code : 'INTERNAL';
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: code });
}
