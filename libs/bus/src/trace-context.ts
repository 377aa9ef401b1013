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
import type { BusMessage } from './transport';

const tracer = trace.getTracer('@latchkey/bus');

/** Runs `work` in a span of its own; the headers it is given carry the span to whoever receives them. */
export function inSpan<T>(
  kind: SpanKind,
  name: string,
  body: unknown,
  work: (headers: Record<string, string>) => Promise<T>,
): Promise<T> {
  const span = tracer.startSpan(name, { kind });
  if (span.isRecording()) return inRecorded(span, name, body, work);
  const headers: Record<string, string> = {};
  propagation.inject(context.active(), headers);
  return work(headers);
}

async function inRecorded<T>(
  span: Span,
  name: string,
  body: unknown,
  work: (headers: Record<string, string>) => Promise<T>,
): Promise<T> {
  span.setAttributes(attributesOf(name, body));
  const headers: Record<string, string> = {};
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

/** Runs `work` in the trace that a message carries. Its headers are not looked at where nothing would be made of them. */
export function inTraceOf<T>(message: Pick<BusMessage, 'headers'>, work: () => T): T {
  if (propagation.fields().length === 0) return work();
  const { headers } = message;
  return headers['traceparent'] === undefined ? work() : context.with(traceOf(headers), work);
}

function traceOf(headers: BusMessage['headers']): Context {
  return propagation.extract(context.active(), headers);
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
