import type { SystemId } from '@latchkey/cenc';
import { ERROR_DOCUMENTATION, HttpProblem, unavailable } from '@latchkey/http';
import { Fault, type FaultCode } from '@latchkey/messages';
import { describeRejection, SpekeRejection, type SpekeVersion } from '@latchkey/speke';

/** SPEKE's refusals, and the faults that reach the gateway, as HTTP answers. */
export function spekeProblem(error: unknown): HttpProblem | undefined {
  if (error instanceof SpekeRejection) return rejectionProblem(error);
  if (error instanceof Fault) return faultProblem(error);
  return undefined;
}

/** No service answers for it. */
export function unknownSystem(system: SystemId, version: SpekeVersion): SpekeRejection {
  return SpekeRejection.of('UNKNOWN_DRM_SYSTEM' as never, { systemId: system }, version);
}

export function unsupportedScheme(system: SystemId, version: SpekeVersion): SpekeRejection {
  return SpekeRejection.of('SCHEME_NOT_COMPATIBLE' as never, { systemId: system }, version);
}

function rejectionProblem(rejection: SpekeRejection): HttpProblem {
  return new HttpProblem(rejection.status, rejection.code, rejection.message, {
    cause: rejection,
    render: (as, requestId) => describeRejection(rejection, { as, docs: ERROR_DOCUMENTATION, requestId }),
  });
}

/** What key-service refuses for the caller's sake. Its own words were written for the bus. */
const REFUSALS: Partial<Record<FaultCode, readonly [status: number, text: string]>> = {
  FORBIDDEN: [403, 'These keys are not given out: they were revoked, or this tenant may not have them'],
  CONFLICT: [409, 'A key of this content exists already and differs from what the request says of it'],
  PRECONDITION_FAILED: [412, 'The document is not the one that If-Match names'],
  UNUSABLE_CERTIFICATE: [422, 'A certificate of the DeliveryDataList cannot be encrypted for'],
};

function faultProblem(fault: Fault): HttpProblem {
  if (fault.retryable) return unavailable(fault);
  const [status, text] = REFUSALS[fault.code] ?? [500, 'Internal error'];
  const code = status === 500 ? 'internal' : fault.code.toLowerCase().replaceAll('_', '-');
  return new HttpProblem(status, code, text, { cause: fault });
}
