import type { FastifyRequest } from 'fastify';
import { AuthenticationFailure } from './authentication-failure';
import type { CredentialIndex } from './credential-index';
import type { Method, Proven } from './method';
import { clientSubject } from './mutual-tls';
import { roleName } from './role-name';
import { sameText } from './same-text';

/** API Gateway's integration sets it to context.identity.userArn, over whatever the caller sent by that name. */
const ROLE_HEADER = 'x-latchkey-role-arn';
/** The secret that only API Gateway's integration knows. */
const DOOR_HEADER = 'x-latchkey-door';

/** How API Gateway proves that it is itself: either is enough. */
export interface DoorProof {
  readonly secret: string | undefined;
  /** The subject of API Gateway's client certificate. */
  readonly subject: string | undefined;
}

/**
 * Encryptors of AWS sign with IAM, API Gateway checks the signature and tells the caller's role. The header counts for
 * nothing unless the request proves to come from there.
 */
export function awsRoleMethod(proof: DoorProof): Method {
  const configured = proof.secret !== undefined || proof.subject !== undefined;
  return {
    carries: (request) => configured && request.headers[ROLE_HEADER] !== undefined,
    claims: (request) => `aws-role ${roleShown(request) ?? ''}`,
    verify: (request, credentials) => verify(request, credentials, proof),
  };
}

function verify(request: FastifyRequest, { roles }: CredentialIndex, proof: DoorProof): Proven {
  const claimed = `aws-role ${roleShown(request) ?? ''}`;
  if (!comesFromApiGateway(request, proof)) {
    throw new AuthenticationFailure(403, 'not-api-gateway', 'A role is believed from API Gateway only', {
      claimed,
      guess: true,
    });
  }
  const owned = roles.get(roleShown(request) ?? '');
  if (owned) return { owned };
  throw new AuthenticationFailure(403, 'unknown-role', 'This role is no tenant’s', { claimed, guess: false });
}

function comesFromApiGateway(request: FastifyRequest, { secret, subject }: DoorProof): boolean {
  const shown = request.headers[DOOR_HEADER];
  const bySecret = secret !== undefined && typeof shown === 'string' && sameText(shown, secret);
  const byCertificate = subject !== undefined && clientSubject(request) === subject;
  return bySecret || byCertificate;
}

function roleShown(request: FastifyRequest): string | undefined {
  const header = request.headers[ROLE_HEADER];
  return typeof header === 'string' ? roleName(header.slice(0, 1_024)) : undefined;
}
