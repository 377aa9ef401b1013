import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { Fault, type FaultCode } from '@latchkey/messages';

/** The body of an answer that its app writes itself. */
export interface RenderedProblem {
  readonly contentType: string;
  readonly body: string;
}

/** A list is sent as that many header lines. */
export type ProblemHeaders = Readonly<Record<string, string | readonly string[]>>;

export interface ProblemOptions extends ErrorOptions {
  readonly headers?: ProblemHeaders;
  /** Writes the answer's body; absent: the detail as text, or an RFC 9457 object of the problem's own fields. */
  readonly render?: (as: 'text' | 'problem+json', exchangeId: string) => RenderedProblem;
}

/**
 * An answer that is an error: thrown in a controller or hook, it is answered as it stands. Everything in it is for the
 * caller's eyes; `cause` is for the log.
 */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly headers: ProblemHeaders;
  readonly render: ProblemOptions['render'];

  constructor(
    readonly status: number,
    /** Stable, in the manner of `unsupported-media-type`; docs/problems.md has an entry for it. */
    readonly code: string,
    readonly detail: string,
    options: ProblemOptions = {},
  ) {
    super(detail, options);
    this.headers = options.headers ?? {};
    this.render = options.render;
  }
}

/** Whatever was thrown, as what the caller may know of it. */
export function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof Fault) return fromFault(error);
  const status = statusOf(error);
  const row = status === undefined ? undefined : ANSWERS[status];
  if (row) return new HttpProblem(status as number, row.code, row.detail, { cause: error });
  if (status !== undefined && status >= 400 && status < 500) {
    return new HttpProblem(status, 'refused', STATUS_CODES[status] ?? 'Refused', { cause: error });
  }
  return internal(error);
}

/** What was refused before a controller saw it: by Fastify, by Nest's router, by Node. The texts are ours. */
export const ANSWERS: Readonly<Record<number, { readonly code: string; readonly detail: string }>> = {
  400: { code: 'bad-request', detail: 'The request is not valid HTTP for this server' },
  404: { code: 'not-found', detail: 'There is nothing at this path' },
  405: { code: 'method-not-allowed', detail: 'This path has no such method' },
  408: { code: 'request-timeout', detail: 'The request did not arrive in time' },
  413: { code: 'body-too-large', detail: 'The body is larger than this server takes' },
  414: { code: 'path-too-long', detail: 'The path is longer than this server takes' },
  415: { code: 'unsupported-media-type', detail: 'The body has a media type that this path does not take' },
  431: { code: 'headers-too-large', detail: 'The headers are larger than this server takes' },
  503: { code: 'unavailable', detail: 'The server is closing or too busy: try again' },
};

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | undefined)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

const FAULT_STATUS: Readonly<Record<FaultCode, number>> = {
  INVALID_REQUEST: 400,
  FORBIDDEN: 403,
  KEY_NOT_FOUND: 404,
  CONFLICT: 409,
  PRECONDITION_FAILED: 412,
  UNUSABLE_CERTIFICATE: 422,
  UNSUPPORTED_DRM_SYSTEM: 422,
  UNSUPPORTED_SCHEME: 422,
  TAMPERED: 500,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 503,
  INTERNAL: 500,
};

/** A fault's detail was written for the caller; that of the server's own troubles was not. */
function fromFault(fault: Fault): HttpProblem {
  const status = FAULT_STATUS[fault.code];
  if (fault.retryable) return unavailable(fault);
  if (status >= 500) return internal(fault);
  return new HttpProblem(status, fault.code.toLowerCase().replaceAll('_', '-'), fault.message, { cause: fault });
}

/** 503 with Retry-After. Some jitter keeps those refused at once from coming back at once. */
export function unavailable(cause?: unknown, detail = 'Not available at the moment: try again'): HttpProblem {
  const retryAfter = String(1 + Math.floor(Math.random() * 3));
  return new HttpProblem(503, 'unavailable', detail, { cause, headers: { 'retry-after': retryAfter } });
}

function internal(cause: unknown): HttpProblem {
  return new HttpProblem(500, 'internal', 'Internal error', { cause });
}
