import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { REALM } from '@latchkey/tenants';
import { wrongCredentials } from './authentication-failure';
import type { CredentialIndex, Owned } from './credential-index';
import type { Method, Proven } from './method';
import type { PasswordVerifier } from './password-hash';

/** A key in a header of the tenant's choosing. */
export function apiKeyMethod(passwords: PasswordVerifier): Method {
  return {
    carries: (request, { apiKeys }) => headerShown(request, apiKeys) !== undefined,
    claims: () => 'api-key',
    verify: (request, credentials) => verify(request, credentials, passwords),
    challenges: (_, { apiKeys }) => [...apiKeys.keys()].map((header) => `ApiKey realm="${REALM}", header="${header}"`),
  };
}

/** `npm run credential` writes it beside the hash; it tells 32 of a key's 256 bits, and saves trying every hash there is. */
export function apiKeyHint(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8);
}

async function verify(
  request: FastifyRequest,
  { apiKeys }: CredentialIndex,
  passwords: PasswordVerifier,
): Promise<Proven> {
  const header = headerShown(request, apiKeys) as string;
  const key = request.headers[header] as string;
  const candidates = apiKeys.get(header)?.filter(({ credential }) => mayBe(credential, key)) ?? [];
  const owned = await firstThatFits(candidates, key, passwords);
  if (!owned) throw wrongCredentials('api-key');
  return { owned };
}

async function firstThatFits(candidates: readonly Owned<'api-key'>[], key: string, passwords: PasswordVerifier) {
  const known = candidates.find(({ credential }) => passwords.known(credential.hash, key));
  if (known) return known;
  for (const candidate of candidates) if (await passwords.verify(candidate.credential.hash, key)) return candidate;
  return undefined;
}

function mayBe({ hint }: { hint?: string | undefined }, key: string): boolean {
  return hint === undefined || hint === apiKeyHint(key);
}

function headerShown(request: FastifyRequest, apiKeys: CredentialIndex['apiKeys']): string | undefined {
  for (const header of apiKeys.keys()) if (request.headers[header] !== undefined) return header;
  return undefined;
}
