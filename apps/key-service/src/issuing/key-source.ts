import { randomBytes } from 'node:crypto';
import type { Deadline } from '@latchkey/bus';
import { CencError, CONTENT_KEY_BYTES, ContentKey, EXPLICIT_IV_BYTES, parseExplicitIv } from '@latchkey/cenc';
import { Fault } from '@latchkey/messages';
import type { KeyFacts, KeyIdentity } from '../store/stored-key';

export interface NewKey {
  readonly contentKey: ContentKey;
  /** Base64. */
  readonly explicitIv: string;
  readonly facts: Pick<KeyFacts, 'origin' | 'rootVersion'>;
}

/** Where content keys come from. `random` makes them for all tenants but those that chose derived keys. */
export interface KeySource {
  make(identities: readonly KeyIdentity[], deadline: Deadline): Promise<NewKey[]>;
}

/** From the CSPRNG of the operating system; the IV is drawn on its own, never made from the key. */
export const randomKeys: KeySource = {
  make: async (identities) => identities.map(randomKey),
};

function randomKey(): NewKey {
  const bytes = randomBytes(CONTENT_KEY_BYTES);
  const contentKey = ContentKey.fromBytes(bytes);
  bytes.fill(0);
  return { contentKey, explicitIv: randomIv(), facts: { origin: 'random' } };
}

/** Base64. */
export function randomIv(): string {
  return randomBytes(EXPLICIT_IV_BYTES).toString('base64');
}

/** Base64 in its usual spelling. Throws Fault INVALID_REQUEST for what is not 16 bytes. */
export function canonicalIv(base64: string): string {
  try {
    return parseExplicitIv(Buffer.from(base64, 'base64')).toString('base64');
  } catch (cause) {
    if (cause instanceof CencError) throw new Fault('INVALID_REQUEST', cause.message, { cause });
    throw cause;
  }
}
