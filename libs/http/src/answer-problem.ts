import { STATUS_CODES } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '@latchkey/runtime';
import { problemOf, type HttpProblem } from './problem';

/** How errors look when the caller does not say: SPEKE wants text, an API of JSON wants JSON. */
export type ProblemForm = 'text' | 'json';

export interface ProblemAnswerer {
  (error: unknown, request: FastifyRequest, reply: FastifyReply): void;
}

/**
 * Errors answered one way wherever they come from: RFC 9457 if Accept names it, else in the app's own form. A server
 * error tells the caller the exchange's id and the log the rest.
 */
export function problemAnswerer(
  logger: Logger,
  form: ProblemForm,
  translate: (error: unknown) => HttpProblem | undefined = () => undefined,
): ProblemAnswerer {
  return (error, request, reply) => {
    if (reply.sent) return;
    const problem = translate(error) ?? problemOf(error);
    request.exchange.code = problem.code;
    if (problem.status >= 500)
      logger[problem.status === 503 ? 'warn' : 'error'](
        { err: causeOf(problem), exchangeId: request.exchange.id },
        problem.code,
      );
    reply
      .status(problem.status)
      .headers(problem.headers as Record<string, string>)
      .header('cache-control', 'no-store');
    const as = form === 'json' || wantsProblemJson(request) ? 'problem+json' : 'text';
    const { contentType, body } = (problem.render ?? rendererOf(problem))(as, request.exchange.id);
    reply.type(contentType).send(body);
  };
}

function rendererOf(problem: HttpProblem): NonNullable<HttpProblem['render']> {
  return (as, exchangeId) =>
    as === 'text'
      ? { contentType: 'text/plain; charset=utf-8', body: problemText(problem, exchangeId) }
      : { contentType: 'application/problem+json', body: JSON.stringify(problemJson(problem, exchangeId)) };
}

/** RFC 9457. `type` is a reference to the code's entry in the error documentation. */
function problemJson(problem: HttpProblem, exchangeId: string) {
  return {
    type: `${PROBLEM_DOCUMENTATION}#${problem.code}`,
    title: STATUS_CODES[problem.status],
    status: problem.status,
    detail: problem.detail,
    code: problem.code,
    instance: `urn:uuid:${exchangeId}`,
  };
}

/** Relative, so that it can be resolved against wherever the documentation of an installation is kept. */
const PROBLEM_DOCUMENTATION = 'docs/problems.md';

function problemText(problem: HttpProblem, exchangeId: string): string {
  return problem.status >= 500 ? `${problem.detail}\nRequest ${exchangeId}` : problem.detail;
}

function wantsProblemJson(request: FastifyRequest): boolean {
  return request.headers.accept?.includes('application/problem+json') ?? false;
}

function causeOf(problem: HttpProblem): unknown {
  return problem.cause ?? problem;
}
