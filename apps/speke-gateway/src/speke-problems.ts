import type { SystemId } from '@latchkey/cenc';
import { HttpProblem, problemOf } from '@latchkey/http';
import { Fault } from '@latchkey/messages';
import { describeRejection, SpekeRejection, type FaultCode, type SpekeVersion } from '@latchkey/speke';

/**
 * Whatever went wrong, as an answer at the SPEKE door: one form and one set of codes, those of SPEKE's catalogue, for a
 * document's faults and for what is refused before a document is looked at.
 */
export function spekeProblem(error: unknown): HttpProblem {
  if (error instanceof SpekeRejection) return rejectionProblem(error);
  return generalProblem(problemOf(error));
}

/** No service answers for it. */
export function unknownSystem(system: SystemId, version: SpekeVersion): SpekeRejection {
  return SpekeRejection.of('UNKNOWN_DRM_SYSTEM', { systemId: system }, version);
}

/** A DRM system's own refusal, in SPEKE's words. Anything that is not one stays what it is. */
export function systemRefusal(error: unknown, system: SystemId, version: SpekeVersion): unknown {
  if (!(error instanceof Fault)) return error;
  switch (error.code) {
    case 'UNSUPPORTED_DRM_SYSTEM':
      return unknownSystem(system, version);
    case 'UNSUPPORTED_SCHEME':
      return SpekeRejection.of('SCHEME_NOT_COMPATIBLE', { systemId: system }, version, { cause: error });
    case 'INVALID_REQUEST':
      return SpekeRejection.of('UNANSWERABLE', {}, version, { detail: error.message, cause: error });
    default:
      return error;
  }
}

/** What key-service refuses for the caller's sake. */
export function keyRefusal(error: unknown, version: SpekeVersion): unknown {
  if (!(error instanceof Fault)) return error;
  const code = KEY_REFUSALS[error.code];
  return code ? SpekeRejection.of(code, {}, version, { detail: error.message, cause: error }) : error;
}

const KEY_REFUSALS: Partial<Record<Fault['code'], FaultCode>> = {
  FORBIDDEN: 'KEY_REVOKED',
  KEY_NOT_FOUND: 'KEY_GONE',
  CONFLICT: 'CONFLICT',
  PRECONDITION_FAILED: 'PRECONDITION_FAILED',
  UNUSABLE_CERTIFICATE: 'CERTIFICATE_UNREADABLE',
  INVALID_REQUEST: 'UNANSWERABLE',
};

function rejectionProblem(rejection: SpekeRejection): HttpProblem {
  return new HttpProblem(rejection.status, rejection.code, rejection.message, {
    cause: rejection,
    render: (as, requestId) => describeRejection(rejection, { as, requestId }),
  });
}

/** Its own words under the catalogue's code. */
function generalProblem({ status, detail, headers, cause, code }: HttpProblem): HttpProblem {
  const faultCode =
    code === 'unsupported-content-encoding'
      ? 'UNSUPPORTED_CONTENT_ENCODING'
      : (CODES_OF_STATUS[status] ?? (status < 500 ? 'UNANSWERABLE' : 'INTERNAL'));
  const rejection = SpekeRejection.of(faultCode, {}, undefined, { detail });
  return new HttpProblem(status, faultCode === 'UNANSWERABLE' ? code : faultCode, detail, {
    cause,
    headers,
    render: (as, requestId) => describeRejection(rejection, { as, requestId }),
  });
}

const CODES_OF_STATUS: Readonly<Record<number, FaultCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  409: 'CONFLICT',
  412: 'PRECONDITION_FAILED',
  413: 'DOCUMENT_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'TOO_MANY_REQUESTS',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
};
