import { SpekeRejection } from './rejection';

export const SPEKE_VERSIONS = ['1.0', '2.0', '2.1'] as const;
export type SpekeVersion = (typeof SPEKE_VERSIONS)[number];

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
