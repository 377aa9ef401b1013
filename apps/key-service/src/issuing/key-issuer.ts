import { timingSafeEqual } from 'node:crypto';
import type { Call, Deadline } from '@latchkey/bus';
import { ContentKey, type KeyId } from '@latchkey/cenc';
import {
  Fault,
  keyIssued,
  keyReissued,
  type IssuedKey,
  type IssueReply,
  type IssueRequest,
  type RequestedKey,
  type Secret,
  type SealingIdentity,
} from '@latchkey/messages';
import type { Tenant, TenantDirectory, TenantKeys } from '@latchkey/tenants';
import type { AuditRecord } from '../audit/audit-log';
import type { AuditWriter } from '../audit/audit-writer';
import { tellingRefusals } from '../audit/refusals';
import type { ContentRows, KeyStore, NewRows } from '../store/key-store';
import {
  readFacts,
  revokedAt,
  type ContentName,
  type DeliveryPermit,
  type KeyFacts,
  type KeyRow,
  type StoredKey,
} from '../store/stored-key';
import type { KeyVault, UnwrappedKey } from '../wrapping/key-vault';
import { playreadyChecksum } from '../wrapping/playready-checksum';
import { isForClearDelivery, missingPermits } from './clear-delivery';
import { openHandover, type Handover } from './handover';
import { overrideKeyId } from './key-id-override';
import { canonicalIv, randomIv, type KeySource, type NewKey } from './key-source';
import { refuseStrayTestKey } from './playready-test-keys';
import { expiryOf } from './retention';

/** Losing to others again and again would need ever new ones who ask for some of the same new keys. */
const MAX_RACES = 8;

/** A key of the request under the key ID that it is kept by. */
interface Asked {
  readonly requested: RequestedKey;
  readonly keyId: KeyId;
  readonly fixedKey?: Buffer;
}

/** A key in hand. */
interface Held extends UnwrappedKey {
  readonly facts: KeyFacts;
  readonly created: boolean;
  /** From now on players may have it in the clear. */
  readonly permitted: boolean;
}

/** What a request asks for under the key IDs that keys are kept by. */
interface Wanted {
  readonly asked: readonly Asked[];
  /** Each once. */
  readonly keyIds: readonly KeyId[];
  /** Those that clear-key systems of the request signal. */
  readonly clear: ReadonlySet<KeyId>;
}

export interface KeyIssuerParts {
  readonly store: KeyStore;
  readonly vault: KeyVault;
  readonly audit: AuditWriter;
  readonly tenants: TenantDirectory;
  readonly sources: Readonly<Record<TenantKeys['source'], KeySource>>;
  readonly sealing: SealingIdentity;
  readonly now?: () => number;
}

/** Gets or makes the keys of a request, all or none, and tells the audit before they leave. */
export class KeyIssuer {
  readonly #now: () => number;

  constructor(private readonly parts: KeyIssuerParts) {
    this.#now = parts.now ?? Date.now;
  }

  /**
   * Throws Fault FORBIDDEN for a revoked key or an unknown tenant, KEY_NOT_FOUND for one past its retention, CONFLICT, INVALID_REQUEST,
   * UNUSABLE_CERTIFICATE, TAMPERED, UNAVAILABLE, DEADLINE_EXCEEDED.
   */
  async issue(request: IssueRequest, { deadline }: Call): Promise<IssueReply> {
    const keyIds = request.keys.map(({ keyId }) => keyId);
    return tellingRefusals(this.parts.audit, request, keyIds, deadline, () => this.#issue(request, deadline));
  }

  async #issue(request: IssueRequest, deadline: Deadline): Promise<IssueReply> {
    const tenant = this.parts.tenants.get(request.tenant);
    if (!tenant) throw new Fault('FORBIDDEN', 'the tenant is not configured');
    const asked = request.keys.map((requested) => this.#asked(tenant, request, requested));
    try {
      // A certificate that is no good is known before a key is made.
      const handover = openHandover(request.delivery, request, this.parts.sealing);
      return await this.#getOrMake(tenant, request, asked, handover, deadline);
    } finally {
      for (const { fixedKey } of asked) fixedKey?.fill(0);
    }
  }

  #asked(tenant: Tenant, request: IssueRequest, requested: RequestedKey): Asked {
    if (requested.explicitIv !== undefined) canonicalIv(requested.explicitIv);
    return { requested, ...overrideKeyId(tenant.policy.keyIdOverride, request, requested) };
  }

  async #getOrMake(
    tenant: Tenant,
    request: IssueRequest,
    asked: readonly Asked[],
    handover: Handover,
    deadline: Deadline,
  ): Promise<IssueReply> {
    const wanted = wantedOf(request, asked);
    for (let race = 0; race < MAX_RACES; race++) {
      const there = await this.parts.store.read(request, wanted.keyIds, deadline);
      refuseRevokedUnmade(there, wanted.keyIds);
      const held = await this.#unwrap(tenant, there, deadline);
      try {
        const permits = await this.#permit(request, there, wanted, held, deadline);
        const keys = await this.#make(tenant, request, wanted, held, deadline);
        const reply = this.#answer(asked, held, handover);
        const records = this.#records(request, asked, held);
        if (keys.length + permits.length === 0) await this.parts.audit.append(records, deadline);
        else if (!(await this.#create({ keys, permits }, records, deadline))) continue;
        return reply;
      } finally {
        for (const { contentKey } of held.values()) contentKey.dispose();
      }
    }
    throw new Fault('UNAVAILABLE', 'others are making the same keys at the same time');
  }

  async #unwrap(tenant: Tenant, { rows, revocations }: ContentRows, deadline: Deadline): Promise<Map<KeyId, Held>> {
    const held = new Map<KeyId, Held>();
    try {
      for (const row of rows.values()) {
        if (row.state === 'shredded') refuseRevoked(row);
        const { vault } = this.parts;
        const { contentKey, checksum } = vault.unwrapNow(row) ?? (await vault.unwrap(row, deadline));
        const facts = readFacts(row as StoredKey);
        held.set(row.keyId, { contentKey, checksum, facts, created: false, permitted: false });
        if (revokedAt(revocations, row.keyId, facts.createdAt) !== undefined) refuseRevoked(row);
        refuseExpired(row, facts, this.#now());
        refuseStrayTestKey(row, facts, tenant);
      }
      return held;
    } catch (error) {
      for (const { contentKey } of held.values()) contentKey.dispose();
      throw error;
    }
  }

  /** Says in `held` which keys clear-key systems are named for the first time for, and gives back the permits, still to be written. */
  async #permit(
    content: ContentName,
    { rows }: ContentRows,
    { clear }: Wanted,
    held: Map<KeyId, Held>,
    deadline: Deadline,
  ): Promise<readonly DeliveryPermit[]> {
    const drmOnly = [...clear].flatMap((keyId) => {
      const key = held.get(keyId);
      return key && !key.facts.clearDelivery ? [rows.get(keyId) as StoredKey] : [];
    });
    const permits = await missingPermits(this.parts, content, drmOnly, this.#now(), deadline);
    for (const { keyId } of permits) held.set(keyId, { ...(held.get(keyId) as Held), permitted: true });
    return permits;
  }

  /** Puts into `held` what was not there, and gives back its rows, which are still to be written. */
  async #make(
    tenant: Tenant,
    request: IssueRequest,
    { asked, clear }: Wanted,
    held: Map<KeyId, Held>,
    deadline: Deadline,
  ): Promise<StoredKey[]> {
    const missing = [...new Map(asked.map((each) => [each.keyId, each])).values()].filter(
      ({ keyId }) => !held.has(keyId),
    );
    checkFixedKeys(asked, held);
    if (missing.length === 0) return [];
    if (request.onlyExisting) throw new Fault('KEY_NOT_FOUND', 'a key of the document is not there');
    const made = await this.#newKeys(tenant, request, missing, deadline);
    const now = this.#now();
    const keys = missing.map(({ requested, keyId }, at) => {
      const { contentKey, explicitIv, facts } = made[at] as NewKey;
      const permitted = clear.has(keyId);
      const known = { explicitIv, ...facts, ...(permitted && { clearDelivery: true as const }) };
      const all = this.#facts(tenant, request, requested, keyId, known, now);
      const key = { contentKey, checksum: playreadyChecksum(contentKey, keyId), facts: all };
      held.set(keyId, { ...key, created: true, permitted });
      return { ...key, identity: { tenant: request.tenant, contentId: request.contentId, keyId } };
    });
    return this.parts.vault.wrap(request.tenant, keys, deadline);
  }

  async #newKeys(
    tenant: Tenant,
    { tenant: name, contentId }: ContentName,
    missing: readonly Asked[],
    deadline: Deadline,
  ): Promise<NewKey[]> {
    if (tenant.policy.keyIdOverride.mode === 'fixed') return missing.map(configuredKey);
    const source = this.parts.sources[tenant.keys.source];
    return source.make(
      missing.map(({ keyId }) => ({ tenant: name, contentId, keyId })),
      deadline,
    );
  }

  #facts(
    tenant: Tenant,
    request: IssueRequest,
    requested: RequestedKey,
    keyId: KeyId,
    made: Pick<KeyFacts, 'origin' | 'rootVersion' | 'explicitIv' | 'clearDelivery'>,
    now: number,
  ): KeyFacts {
    const expiresAt = expiryOf(tenant.keys.retention, request.contentId, requested.period, now);
    const { scheme, period, intendedTrackType } = requested;
    return {
      createdAt: now,
      ...made,
      // The encryptor's own IV, in the usual spelling.
      explicitIv: requested.explicitIv === undefined ? made.explicitIv : canonicalIv(requested.explicitIv),
      ...(expiresAt !== undefined && { expiresAt }),
      ...(scheme && { scheme }),
      ...(period && { period }),
      ...(intendedTrackType !== undefined && { intendedTrackType }),
      ...(keyId !== requested.keyId && { requestedKeyId: requested.keyId }),
    };
  }

  #create(rows: NewRows, records: readonly AuditRecord[], deadline: Deadline): Promise<boolean> {
    return this.parts.audit.writeWith(records, () => this.parts.store.create(rows, records, deadline));
  }

  #answer(asked: readonly Asked[], held: ReadonlyMap<KeyId, Held>, handover: Handover): IssueReply {
    const leaving = asked.map(({ keyId }) => ({ keyId, contentKey: (held.get(keyId) as Held).contentKey }));
    const { secrets, opening } = handover(leaving);
    return {
      keys: asked.map(({ requested, keyId }, at) =>
        issuedKey(requested, keyId, held.get(keyId) as Held, secrets[at] as Secret),
      ),
      ...opening,
    };
  }

  /** One for the keys that were made now, one for those that were there. */
  #records(request: IssueRequest, asked: readonly Asked[], held: ReadonlyMap<KeyId, Held>): AuditRecord[] {
    const { tenant, contentId, exchangeId, spekeVersion, requester, systems } = request;
    return [true, false].flatMap((created) => {
      const keys = asked.filter(({ keyId }) => held.get(keyId)?.created === created);
      if (keys.length === 0) return [];
      return this.parts.audit.record(created ? keyIssued : keyReissued, `${tenant}/${contentId}`, {
        tenant,
        contentId,
        exchangeId,
        spekeVersion,
        requester,
        keys: keys.map(({ requested, keyId }) => keyFacts(requested, keyId, held.get(keyId) as Held)),
        systems,
        delivery: request.delivery.kind,
      });
    });
  }
}

function wantedOf(request: IssueRequest, asked: readonly Asked[]): Wanted {
  const clear = asked.filter(({ requested }) => isForClearDelivery(requested, request));
  return {
    asked,
    keyIds: [...new Set(asked.map(({ keyId }) => keyId))],
    clear: new Set(clear.map(({ keyId }) => keyId)),
  };
}

function issuedKey(requested: RequestedKey, keyId: KeyId, held: Held, secret: Secret): IssuedKey {
  // What the encryptor brought comes back as it wrote it (docs/decisions): the IV is its to choose.
  const explicitIv = requested.explicitIv ?? (requested.needsExplicitIv ? held.facts.explicitIv : undefined);
  return {
    requestedKeyId: requested.keyId,
    keyId,
    ...(explicitIv !== undefined && { explicitIv }),
    checksum: held.checksum,
    secret,
    created: held.created,
  };
}

function keyFacts(
  { keyId: requestedKeyId, scheme, period, intendedTrackType }: RequestedKey,
  keyId: KeyId,
  held: Held,
) {
  const { expiresAt } = held.facts;
  return {
    keyId,
    ...(requestedKeyId !== keyId && { requestedKeyId }),
    ...(scheme && { scheme }),
    ...(period && { period }),
    ...(intendedTrackType !== undefined && { intendedTrackType }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(held.permitted && { clearDelivery: true }),
  };
}

function configuredKey({ fixedKey, keyId }: Asked): NewKey {
  if (!fixedKey) throw new Fault('INVALID_REQUEST', `no key is configured for key ${keyId}`);
  return { contentKey: ContentKey.fromBytes(fixedKey), explicitIv: randomIv(), facts: { origin: 'imported' } };
}

/** A key that is configured stands in the store as it was when it was first issued. */
function checkFixedKeys(asked: readonly Asked[], held: ReadonlyMap<KeyId, Held>): void {
  for (const { fixedKey, keyId } of asked) {
    const stored = held.get(keyId)?.contentKey;
    if (!fixedKey || !stored || stored.expose((bytes) => timingSafeEqual(bytes, fixedKey))) continue;
    throw new Fault('CONFLICT', `key ${keyId} was issued before with another key than the one that is configured now`);
  }
}

function refuseRevoked({ keyId }: { readonly keyId: KeyId }): never {
  throw new Fault('FORBIDDEN', `key ${keyId} is revoked`);
}

/** A key ID that was revoked before there was a key stays without one. */
function refuseRevokedUnmade({ rows, revocations }: ContentRows, keyIds: readonly KeyId[]): void {
  const revoked = keyIds.find((keyId) => !rows.has(keyId) && revocations.keys[keyId] !== undefined);
  if (revoked) refuseRevoked({ keyId: revoked });
}

function refuseExpired({ keyId }: KeyRow, { expiresAt }: KeyFacts, now: number): void {
  if (expiresAt !== undefined && now >= expiresAt) {
    throw new Fault('KEY_NOT_FOUND', `key ${keyId} is past its retention (${new Date(expiresAt).toISOString()})`);
  }
}
