import type { Call, Deadline } from '@latchkey/bus';
import type { KeyId } from '@latchkey/cenc';
import { keyReleased, type ReleaseReply, type ReleaseRequest, type SealingIdentity } from '@latchkey/messages';
import type { AuditWriter } from '../audit/audit-writer';
import { tellRefusal } from '../audit/refusals';
import type { ContentRows, KeyStore } from '../store/key-store';
import { readFacts, revokedAt, type KeyFacts, type Revocations, type StoredKey } from '../store/stored-key';
import type { KeyVault } from '../wrapping/key-vault';

export interface KeyReleaserParts {
  readonly store: KeyStore;
  readonly vault: KeyVault;
  readonly audit: AuditWriter;
  readonly sealing: SealingIdentity;
  readonly now?: () => number;
}

/** Gives keys that exist to key-delivery. What is unknown, expired or revoked is left out, without a difference. */
export class KeyReleaser {
  readonly #now: () => number;

  constructor(private readonly parts: KeyReleaserParts) {
    this.#now = parts.now ?? Date.now;
  }

  /** Throws Fault TAMPERED, UNAVAILABLE, DEADLINE_EXCEEDED. */
  async release(request: ReleaseRequest, { deadline }: Call): Promise<ReleaseReply> {
    await this.parts.audit.open(deadline);
    const there = await this.parts.store.read(request, [...new Set(request.keyIds)], deadline);
    try {
      const keys = await this.#seal(request, there, deadline);
      if (keys.keys.length > 0) await this.parts.audit.append([this.#record(request, keys)], deadline);
      return keys;
    } catch (error) {
      const { tenant, contentId, exchangeId, keyIds } = request;
      await tellRefusal(this.parts.audit, { tenant, contentId, exchangeId }, keyIds, error, deadline);
      throw error;
    }
  }

  async #seal(request: ReleaseRequest, { rows, revocations }: ContentRows, deadline: Deadline): Promise<ReleaseReply> {
    const pair = this.parts.sealing.current();
    const keys: ReleaseReply['keys'] = [];
    for (const row of rows.values()) {
      if (row.state === 'shredded') continue;
      // What a row says of itself counts only once it has unwrapped.
      const { contentKey } = await this.parts.vault.unwrap(row, deadline);
      try {
        const facts = readFacts(row as StoredKey);
        if (!this.#lives(row.keyId, facts, revocations)) continue;
        const { tenant, contentId, keyId } = row;
        const box = pair.seal(request.publicKey, contentKey, { tenant, contentId, keyId });
        keys.push({ keyId, box, explicitIv: facts.explicitIv, ...expiry(facts) });
      } finally {
        contentKey.dispose();
      }
    }
    return { keys, sealedBy: pair.publicKey };
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
