import { timingSafeEqual } from 'node:crypto';
import type { Call, Deadline } from '@latchkey/bus';
import type { ContentKey, KeyId } from '@latchkey/cenc';
import { Fault, keyImported, type importKeys } from '@latchkey/messages';
import type { Tenant, TenantDirectory } from '@latchkey/tenants';
import type { z } from 'zod';
import type { AuditWriter } from '../audit/audit-writer';
import { tellingRefusals } from '../audit/refusals';
import { isForClearDelivery, missingPermits } from '../issuing/clear-delivery';
import { canonicalIv, randomIv } from '../issuing/key-source';
import { expiryOf } from '../issuing/retention';
import type { ContentRows, KeyStore, NewRows } from '../store/key-store';
import { readFacts, revokedAt, type KeyFacts, type StoredKey } from '../store/stored-key';
import type { KeyToStore, KeyVault } from '../wrapping/key-vault';
import { playreadyChecksum } from '../wrapping/playready-checksum';
import type { ImportSealing } from './import-sealing';

export type ImportRequest = z.infer<typeof importKeys.request>;
export type ImportReply = z.infer<typeof importKeys.reply>;
type BroughtKey = ImportRequest['keys'][number];

const MAX_RACES = 4;

export interface KeyImporterParts {
  readonly store: KeyStore;
  readonly vault: KeyVault;
  readonly audit: AuditWriter;
  readonly tenants: TenantDirectory;
  readonly sealing: ImportSealing;
  readonly now?: () => number;
}

/** Takes in keys that somebody else made: all or none. */
export class KeyImporter {
  readonly #now: () => number;

  constructor(private readonly parts: KeyImporterParts) {
    this.#now = parts.now ?? Date.now;
  }

  /** Throws Fault CONFLICT for a key ID that has another key, FORBIDDEN, INVALID_REQUEST, TAMPERED, UNAVAILABLE. */
  async import(request: ImportRequest, { deadline }: Call): Promise<ImportReply> {
    const keyIds = request.keys.map(({ keyId }) => keyId);
    return tellingRefusals(this.parts.audit, request, keyIds, deadline, () => this.#import(request, deadline));
  }

  async #import(request: ImportRequest, deadline: Deadline): Promise<ImportReply> {
    const tenant = this.parts.tenants.get(request.tenant);
    if (!tenant) throw new Fault('FORBIDDEN', 'the tenant is not configured');
    refuseTwice(request.keys);
    const brought = await this.#open(request, deadline);
    try {
      return await this.#put(tenant, request, brought, deadline);
    } finally {
      for (const contentKey of brought.values()) contentKey.dispose();
    }
  }

  async #open(request: ImportRequest, deadline: Deadline): Promise<Map<KeyId, ContentKey>> {
    const { tenant, contentId, sealedBy } = request;
    const opened = new Map<KeyId, ContentKey>();
    for (const { keyId, box } of request.keys) {
      opened.set(keyId, await this.parts.sealing.open(sealedBy, box, { tenant, contentId, keyId }, deadline));
    }
    return opened;
  }

  async #put(
    tenant: Tenant,
    request: ImportRequest,
    brought: ReadonlyMap<KeyId, ContentKey>,
    deadline: Deadline,
  ): Promise<ImportReply> {
    const clear = new Set(request.keys.filter((key) => isForClearDelivery(key, request)).map(({ keyId }) => keyId));
    for (let race = 0; race < MAX_RACES; race++) {
      const there = await this.parts.store.read(request, [...brought.keys()], deadline);
      await this.#compare(there, brought, deadline);
      const fresh = request.keys.filter(({ keyId }) => !there.rows.has(keyId));
      const reply = { imported: fresh.length, unchanged: request.keys.length - fresh.length };
      const known = [...there.rows.values()].filter(
        (row) => row.state === 'kept' && clear.has(row.keyId),
      ) as StoredKey[];
      const drmOnly = known.filter((row) => !readFacts(row).clearDelivery);
      const permits = await missingPermits(this.parts, request, drmOnly, this.#now(), deadline);
      if (fresh.length + permits.length === 0) return reply;
      const keys = await this.#wrap(tenant, request, fresh, clear, brought, deadline);
      if (await this.#create(request, { keys, permits }, clear, deadline)) return reply;
    }
    throw new Fault('UNAVAILABLE', 'others are making the same keys at the same time');
  }

  /** What is there must be the same. */
  async #compare(
    { rows, revocations }: ContentRows,
    brought: ReadonlyMap<KeyId, ContentKey>,
    deadline: Deadline,
  ): Promise<void> {
    for (const keyId of brought.keys()) {
      if (revocations.keys[keyId] !== undefined) throw new Fault('FORBIDDEN', `key ${keyId} is revoked`);
    }
    for (const row of rows.values()) {
      if (row.state === 'shredded') throw new Fault('FORBIDDEN', `key ${row.keyId} is revoked`);
      const { contentKey: stored } = await this.parts.vault.unwrap(row, deadline);
      try {
        const { createdAt } = readFacts(row as StoredKey);
        if (revokedAt(revocations, row.keyId, createdAt)) throw new Fault('FORBIDDEN', `key ${row.keyId} is revoked`);
        if (!sameKey(stored, brought.get(row.keyId)))
          throw new Fault('CONFLICT', `key ${row.keyId} exists with another key`);
      } finally {
        stored.dispose();
      }
    }
  }

  async #wrap(
    tenant: Tenant,
    request: ImportRequest,
    fresh: readonly BroughtKey[],
    clear: ReadonlySet<KeyId>,
    brought: ReadonlyMap<KeyId, ContentKey>,
    deadline: Deadline,
  ): Promise<StoredKey[]> {
    if (fresh.length === 0) return [];
    const keys = fresh.map((key): KeyToStore => {
      const contentKey = brought.get(key.keyId) as ContentKey;
      return {
        identity: { tenant: request.tenant, contentId: request.contentId, keyId: key.keyId },
        facts: this.#facts(tenant, request.contentId, key, clear.has(key.keyId)),
        contentKey,
        checksum: playreadyChecksum(contentKey, key.keyId),
      };
    });
    return this.parts.vault.wrap(request.tenant, keys, deadline);
  }

  /** The record tells of what is written: keys that are new, or new to players. */
  #create(
    request: ImportRequest,
    rows: Required<NewRows>,
    clear: ReadonlySet<KeyId>,
    deadline: Deadline,
  ): Promise<boolean> {
    const { tenant, contentId, exchangeId, requester } = request;
    const written = new Set([...rows.keys, ...rows.permits].map(({ keyId }) => keyId));
    const told = request.keys.filter(({ keyId }) => written.has(keyId));
    const record = this.parts.audit.record(keyImported, `${tenant}/${contentId}`, {
      tenant,
      contentId,
      exchangeId,
      requester,
      keys: told.map((key) => toldFacts(key, clear.has(key.keyId))),
    });
    return this.parts.audit.writeWith([record], () => this.parts.store.create(rows, [record], deadline));
  }

  #facts(tenant: Tenant, contentId: string, key: BroughtKey, clearDelivery: boolean): KeyFacts {
    const { scheme, period, explicitIv, intendedTrackType } = key;
    const now = this.#now();
    const expiresAt = expiryOf(tenant.keys.retention, contentId, period, now);
    return {
      createdAt: now,
      origin: 'imported',
      explicitIv: explicitIv === undefined ? randomIv() : canonicalIv(explicitIv),
      ...(clearDelivery && { clearDelivery }),
      ...(expiresAt !== undefined && { expiresAt }),
      ...(scheme && { scheme }),
      ...(period && { period }),
      ...(intendedTrackType !== undefined && { intendedTrackType }),
    };
  }
}

/** For the audit: never the box. */
function toldFacts({ keyId, scheme, period, intendedTrackType }: BroughtKey, clearDelivery: boolean) {
  return {
    keyId,
    ...(clearDelivery && { clearDelivery }),
    ...(scheme && { scheme }),
    ...(period && { period }),
    ...(intendedTrackType !== undefined && { intendedTrackType }),
  };
}

function sameKey(stored: ContentKey, brought: ContentKey | undefined): boolean {
  return brought !== undefined && stored.expose((a) => brought.expose((b) => timingSafeEqual(a, b)));
}

function refuseTwice(keys: readonly BroughtKey[]): void {
  const twice = keys.find(({ keyId }, at) => keys.findIndex((other) => other.keyId === keyId) !== at);
  if (twice) throw new Fault('INVALID_REQUEST', `key ${twice.keyId} is there twice`);
}
