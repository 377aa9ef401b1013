import { SpekeRejection } from './rejection';
import { SPEKE_VERSIONS, type SpekeVersion } from './speke-version';

/**
 * What the X-Speke-Version header says; none means SPEKE 1. Throws SpekeRejection UNSUPPORTED_SPEKE_VERSION for anything
 * else, also for two headers joined by a comma: the body is then not looked at.
 */
export function spekeVersionOf(header: string | undefined): SpekeVersion {
  if (header === undefined) return '1.0';
  const version = SPEKE_VERSIONS.find((known) => known === header.trim());
  if (!version) throw SpekeRejection.of('UNSUPPORTED_SPEKE_VERSION', {}, undefined);
  return version;
}
