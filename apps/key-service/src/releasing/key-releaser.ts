import type { Call, Deadline } from '@latchkey/bus';
import type { KeyId } from '@latchkey/cenc';
import { keyReleased, type ReleaseReply, type ReleaseRequest, type SealingIdentity } from '@latchkey/messages';
import type { TenantDirectory } from '@latchkey/tenants';
import type { AuditWriter } from '../audit/audit-writer';
import { tellingRefusals, tellWithheld } from '../audit/refusals';
import { mayBeDelivered } from '../issuing/clear-delivery';
import { isStrayTestKey } from '../issuing/playready-test-keys';
import type { ContentRows, KeyStore } from '../store/key-store';
import { readFacts, revokedAt, type KeyFacts, type Revocations, type StoredKey } from '../store/stored-key';
import type { KeyVault } from '../wrapping/key-vault';

export interface KeyReleaserParts {
  readonly store: KeyStore;
  readonly vault: KeyVault;
  readonly audit: AuditWriter;
  readonly tenants: TenantDirectory;
  readonly sealing: SealingIdentity;
  readonly now?: () => number;
}

/**
 * Gives keys that exist to key-delivery. What is unknown, expired or revoked is left out, without a difference; what was issued for DRM
 * systems alone is named, for records, and withheld unless the tenant says otherwise.
 */
export class KeyReleaser {
  readonly #now: () => number;

  constructor(private readonly parts: KeyReleaserParts) {
    this.#now = parts.now ?? Date.now;
  }

  /** Throws Fault TAMPERED, UNAVAILABLE, DEADLINE_EXCEEDED. */
  async release(request: ReleaseRequest, { deadline }: Call): Promise<ReleaseReply> {
    const keyIds = [...new Set(request.keyIds)];
    return tellingRefusals(this.parts.audit, request, keyIds, deadline, () => this.#release(request, keyIds, deadline));
  }

  async #release(request: ReleaseRequest, keyIds: readonly KeyId[], deadline: Deadline): Promise<ReleaseReply> {
    const there = await this.parts.store.read(request, keyIds, deadline, keyIds);
    const reply = await this.#seal(request, there, deadline);
    if (reply.withheld && request.reason === 'player')
      tellWithheld(this.parts.audit, request, reply.withheld, deadline);
    if (reply.keys.length > 0) await this.parts.audit.append([this.#record(request, reply)], deadline);
    return reply;
  }

  async #seal(
    request: ReleaseRequest,
    { rows, revocations, permits }: ContentRows,
    deadline: Deadline,
  ): Promise<ReleaseReply> {
    const pair = this.parts.sealing.current();
    const tenant = this.parts.tenants.get(request.tenant);
    const keys: ReleaseReply['keys'] = [];
    const withheld: KeyId[] = [];
    for (const row of rows.values()) {
      if (row.state === 'shredded') continue;
      // What a row says of itself counts only once it has unwrapped.
      const { contentKey } = await this.parts.vault.unwrap(row, deadline);
      try {
        const facts = readFacts(row as StoredKey);
        if (!this.#lives(row.keyId, facts, revocations) || isStrayTestKey(facts, tenant)) continue;
        const drmOnly = !(await mayBeDelivered(
          this.parts.vault,
          row as StoredKey,
          facts,
          permits,
          this.#now(),
          deadline,
        ));
        if (drmOnly && !tenant?.delivery.deliverDrmOnlyKeys) {
          withheld.push(row.keyId);
          continue;
        }
        const { keyId } = row;
        const box = pair.seal(request.publicKey, contentKey, { tenant: row.tenant, contentId: row.contentId, keyId });
        keys.push({ keyId, box, explicitIv: facts.explicitIv, ...expiry(facts), ...(drmOnly && { drmOnly }) });
      } finally {
        contentKey.dispose();
      }
    }
    return { keys, sealedBy: pair.publicKey, ...(withheld.length > 0 && { withheld }) };
  }

  #lives(keyId: KeyId, { createdAt, expiresAt }: KeyFacts, revocations: Revocations): boolean {
    const expired = expiresAt !== undefined && this.#now() >= expiresAt;
    return !expired && revokedAt(revocations, keyId, createdAt) === undefined;
  }

  #record({ tenant, contentId, exchangeId, reason, subject }: ReleaseRequest, { keys }: ReleaseReply) {
    return this.parts.audit.record(keyReleased, `${tenant}/${contentId}`, {
      tenant,
      contentId,
      exchangeId,
      keyIds: keys.map(({ keyId }) => keyId),
      reason,
      ...(subject !== undefined && { subject }),
    });
  }
}

function expiry({ expiresAt }: KeyFacts): { expiresAt?: number } {
  return expiresAt === undefined ? {} : { expiresAt };
}
