import { playReadyTestKey } from '@latchkey/cenc';
import { Fault } from '@latchkey/messages';
import type { Tenant } from '@latchkey/tenants';
import type { KeyFacts, KeyIdentity } from '../store/stored-key';
import { randomIv, type KeySource, type NewKey } from './key-source';

/** Of keys that anybody can make, for a tenant that is licensed by Microsoft's public PlayReady test server. */
const ORIGIN = 'playready-test-seed';

export const playReadyTestKeys: KeySource = {
  make: async (identities) => identities.map(testKey),
};

function testKey({ keyId }: KeyIdentity): NewKey {
  return { contentKey: playReadyTestKey(keyId), explicitIv: randomIv(), facts: { origin: ORIGIN } };
}

/** Whether a stored key is one that anybody can make, and the tenant is not, or no longer, one that has such keys. */
export function isStrayTestKey({ origin }: KeyFacts, tenant: Tenant | undefined): boolean {
  return origin === ORIGIN && tenant?.keys.source !== ORIGIN;
}

/** A tenant that has gone over to real keys must not go on with public ones for want of somebody noticing. Throws Fault CONFLICT. */
export function refuseStrayTestKey({ keyId }: KeyIdentity, facts: KeyFacts, tenant: Tenant): void {
  if (!isStrayTestKey(facts, tenant)) return;
  throw new Fault(
    'CONFLICT',
    `key ${keyId} was made from the public PlayReady test seed, and keys.source of the tenant is ${tenant.keys.source} now: use another content ID or key ID`,
  );
}
