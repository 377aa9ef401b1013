import { newId } from '@latchkey/messages';
import type { Context, Span } from '@opentelemetry/api';
import type { FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** This request's exchange: there from the first hook on. */
    exchange: Exchange;
  }
}

/** What a log line and a span may say of an exchange: never a body, a key, a token or a credential. */
export type ExchangeFact = string | number | boolean | readonly string[] | undefined;

/** One HTTP request and its answer. Its id is in the answer (`X-Request-Id`), the log line, the events and the audit records. */
export class Exchange {
  /** Our own: what a caller sends as an id is never taken over. */
  readonly id: string = newId();
  readonly startedAt = performance.now();
  /** The server span and the context it is active in; there only while telemetry is on. */
  span: Span | undefined;
  context: Context | undefined;
  /** The stable code of the error answered, if it was one. */
  code: string | undefined;
  readonly facts: Record<string, ExchangeFact> = {};

  /** Adds to the exchange's log line, and to its span as `latchkey.<name>`. */
  note(facts: Readonly<Record<string, ExchangeFact>>): void {
    Object.assign(this.facts, facts);
  }

  /** W3C trace context of the span, for events; undefined without one. */
  get traceparent(): string | undefined {
    const span = this.span?.spanContext();
    return span && `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
  }

  get durationMs(): number {
    return performance.now() - this.startedAt;
  }
}

/** A request header as text: absent if it was not sent, the first 256 characters of it otherwise. */
export function shortHeader(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value.slice(0, 256) : undefined;
}
