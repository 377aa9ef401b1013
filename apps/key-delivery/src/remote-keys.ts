import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';

/** How long an answer of the JWKS URL is fresh, and how soon an unknown `kid` may ask it again. */
const FRESH_MS = 10 * 60_000;
const COOLDOWN_MS = 30_000;
const TIMEOUT_MS = 2_000;

/**
 * An issuer's public keys from its JWKS URL, kept and shared by all who ask. When the issuer cannot be reached, the
 * keys that it last gave go on verifying: viewers outlast an outage of the login server.
 */
export function remoteKeys(url: URL): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(url, {
    cacheMaxAge: FRESH_MS,
    cooldownDuration: COOLDOWN_MS,
    timeoutDuration: TIMEOUT_MS,
  });
  return async (header, token) => {
    try {
      return await remote(header, token);
    } catch (error) {
      const last = remote.jwks();
      if (last === undefined || isAboutTheToken(error)) throw error;
      return await createLocalJWKSet(last)(header, token);
    }
  };
}

function isAboutTheToken(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
}
