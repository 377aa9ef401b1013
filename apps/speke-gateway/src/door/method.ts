import type { FastifyRequest } from 'fastify';
import type { EncryptorCredential, Tenant } from '@latchkey/tenants';
import type { CredentialIndex } from './credential-index';

/** Who it is, as far as the headers tell. */
export interface Proven {
  readonly owned: { readonly tenant: Tenant; readonly credential: EncryptorCredential };
  /** What is left to check once the body is there. Throws AuthenticationFailure. */
  readonly confirm?: (body: Buffer) => void;
}

/** One way of proving who one is. */
export interface Method {
  /** Whether the request shows what this method looks at: then it is this method that decides. */
  carries(request: FastifyRequest, credentials: CredentialIndex): boolean;
  /** The name that the request claims, for the slowing down of guesses; never a secret. */
  claims(request: FastifyRequest): string;
  /** Throws AuthenticationFailure. */
  verify(request: FastifyRequest, credentials: CredentialIndex): Proven | Promise<Proven>;
  /** What WWW-Authenticate says of it, if it is a way for this request. */
  challenges?(request: FastifyRequest, credentials: CredentialIndex): readonly string[];
}

/** The scheme of the Authorization header, lower case, and what follows it. */
export function authorizationOf(request: FastifyRequest): { scheme: string; rest: string } | undefined {
  const header = request.headers.authorization;
  if (header === undefined) return undefined;
  const space = header.indexOf(' ');
  if (space < 0) return { scheme: header.toLowerCase(), rest: '' };
  return { scheme: header.slice(0, space).toLowerCase(), rest: header.slice(space + 1).trim() };
}
