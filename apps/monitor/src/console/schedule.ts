import type { describeContent } from '@latchkey/messages';
import type { z } from 'zod';

type Description = z.output<typeof describeContent.reply>;
type DescribedKey = Description['keys'][number];

/**
 * Which key ID is valid when, as far as encryptors have asked: they invent the key IDs, before a period begins. Without
 * stated times only the order of periods is known.
 */
export function schedule({ keys, cursor }: Description) {
  const rows = keys.map((key) => ({
    keyId: key.keyId,
    requestedKeyId: key.requestedKeyId,
    periodIndex: key.period?.index,
    validFrom: key.period?.start ?? key.period?.startOffset,
    validTo: key.period?.end ?? key.period?.endOffset,
    trackType: key.intendedTrackType,
    scheme: key.scheme,
    origin: key.origin,
    askedAt: isoOf(key.createdAt),
    expiresAt: isoOf(key.expiresAt),
    revokedAt: isoOf(key.revokedAt),
    state: stateOf(key, Date.now()),
  }));
  return { keys: rows.sort((a, b) => (a.periodIndex ?? -1) - (b.periodIndex ?? -1)), cursor };
}

function stateOf({ revokedAt, expiresAt }: DescribedKey, now: number): 'valid' | 'revoked' | 'expired' {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && expiresAt <= now ? 'expired' : 'valid';
}

function isoOf(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}
