import { HttpProblem } from '@latchkey/http';
import { CursorError } from '../ledger/ledger';

/** The monitor's own errors as answers. */
export function consoleProblem(error: unknown): HttpProblem | undefined {
  return error instanceof CursorError
    ? new HttpProblem(400, 'invalid-parameter', `cursor: ${error.message}`)
    : undefined;
}
