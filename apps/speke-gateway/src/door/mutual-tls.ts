import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import { AuthenticationFailure } from './authentication-failure';
import type { CredentialIndex } from './credential-index';
import type { Method, Proven } from './method';

/** A client certificate of the authority that the server trusts (SPEKE_TLS_CLIENT_AUTHORITY), by its whole subject. */
export function mutualTlsMethod(): Method {
  return {
    carries: (request, { subjects }) => subjects.size > 0 && clientSubject(request) !== undefined,
    claims: (request) => `mtls ${clientSubject(request)}`,
    verify,
  };
}

function verify(request: FastifyRequest, { subjects }: CredentialIndex): Proven {
  const subject = clientSubject(request) as string;
  const owned = subjects.get(subject);
  if (owned) return { owned };
  throw new AuthenticationFailure(403, 'unknown-certificate', 'This client certificate is no tenant’s', {
    claimed: `mtls ${subject}`,
    guess: false,
  });
}

const subjects = new WeakMap<TLSSocket, string | null>();

/** `C=DE, O=Studio, CN=encoder-1`, in the order of the certificate; only of one that the TLS layer has verified. */
export function clientSubject(request: FastifyRequest): string | undefined {
  const socket = request.raw.socket as Partial<TLSSocket> as TLSSocket;
  if (!socket.encrypted || !socket.authorized) return undefined;
  let subject = subjects.get(socket);
  if (subject === undefined) {
    subject = socket.getPeerX509Certificate()?.subject.split('\n').join(', ') ?? null;
    subjects.set(socket, subject);
  }
  return subject ?? undefined;
}
