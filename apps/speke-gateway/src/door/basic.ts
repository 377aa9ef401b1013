import type { FastifyRequest } from 'fastify';
import { REALM } from '@latchkey/tenants';
import { AuthenticationFailure, wrongCredentials } from './authentication-failure';
import type { CredentialIndex } from './credential-index';
import { authorizationOf, type Method, type Proven } from './method';
import type { PasswordVerifier } from './password-hash';

/** Of no password: compared with for a user name that nobody has, so that it takes as long as for one that somebody has. */
const NOBODY = `scrypt$15$8$1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/** HTTP Basic (RFC 7617), over TLS or on the machine itself only: the password is in every request. */
export function basicMethod(passwords: PasswordVerifier): Method {
  return {
    carries: (request) => authorizationOf(request)?.scheme === 'basic',
    claims: (request) => `basic ${userAndPassword(request)?.user ?? ''}`,
    verify: (request, credentials) => verify(request, credentials, passwords),
    challenges: (request, { basicUsers }) =>
      basicUsers.size > 0 && isConfidential(request) ? [`Basic realm="${REALM}", charset="UTF-8"`] : [],
  };
}

/** Nobody can listen on the way: TLS up to here or to a proxy that is trusted, or a connection of this machine. */
export function isConfidential(request: FastifyRequest): boolean {
  return request.protocol === 'https' || /^(127\.|::1$|::ffff:127\.)/.test(request.ip);
}

async function verify(
  request: FastifyRequest,
  credentials: CredentialIndex,
  passwords: PasswordVerifier,
): Promise<Proven> {
  if (!isConfidential(request)) {
    throw new AuthenticationFailure(403, 'basic-needs-tls', 'Basic authentication is taken over TLS only', {
      guess: false,
    });
  }
  const shown = userAndPassword(request);
  if (!shown) throw wrongCredentials('basic', undefined, 'not user:password');
  const owned = credentials.basicUsers.get(shown.user);
  const right = await passwords.verify(owned?.credential.hash ?? NOBODY, shown.password);
  if (!owned || !right) throw wrongCredentials(`basic ${shown.user}`, owned?.tenant.id);
  return { owned };
}

function userAndPassword(request: FastifyRequest): { user: string; password: string } | undefined {
  const text = Buffer.from(authorizationOf(request)?.rest ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon).slice(0, 128), password: text.slice(colon + 1) };
}
