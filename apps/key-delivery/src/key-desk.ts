import type { KeyId } from '@latchkey/cenc';
import { HttpProblem } from '@latchkey/http';
import { instruments } from '@latchkey/runtime';
import { UNKNOWN_TENANT } from '@latchkey/tenants';
import { Denial } from './denial';
import { DRM_ONLY, NO_TENANT, type Denied, type DeliveryRecords, type RecordedExchange } from './delivery-records';
import type { DeliveryRules, TenantRules } from './delivery-rules';
import type { Grant, PlayerRequest } from './entitlement';
import type { HeldKey, HeldKeys } from './held-keys';
import type { KeyName } from './key-name';
import type { KeyReleases } from './key-releases';
import { addressToCount, type RateLimit } from './rate-limit';

/** A player's request, for one key or for those of a licence request. */
export interface KeyRequest extends PlayerRequest {
  readonly exchange: RecordedExchange;
  readonly names: readonly KeyName[];
  /** A HEAD is told of the key but not given it. */
  readonly counts: boolean;
  readonly format: 'aes-128' | 'clearkey';
}

export interface HandedOutKey {
  readonly keyId: KeyId;
  readonly bytes: Buffer;
  readonly expiresAt: number | undefined;
}

/** The keys that a player gets, copies of its own, and until when its entitlement holds. */
export interface HandedOut {
  readonly keys: readonly HandedOutKey[];
  readonly grant: Grant;
  readonly rules: TenantRules;
}

/**
 * Where players get keys: limits, entitlement, key, record, in this order. Whether a key exists is looked up only for
 * those who may have it, so a refusal is the same whether it does or not.
 */
export class KeyDesk {
  constructor(
    private readonly rules: DeliveryRules,
    private readonly held: HeldKeys,
    private readonly releases: KeyReleases,
    private readonly records: DeliveryRecords,
    private readonly addresses: RateLimit,
  ) {}

  /**
   * At once where everything is in memory. Throws Denial, HttpProblem 429 or 404 (none of the keys exists), Fault.
   */
  handOut(request: KeyRequest): HandedOut | Promise<HandedOut> {
    const rules = this.rules.of(request.content.tenant);
    this.#limit(
      this.addresses.take(
        addressToCount(request.address),
        rules?.limits.perAddressPerMinute ?? UNKNOWN_TENANT_PER_MINUTE,
      ),
    );
    if (rules === undefined) return this.#refusedStranger(request);
    try {
      const grant = rules.entitlement.judge(request);
      if (grant instanceof Promise) {
        return grant
          .then((judged) => this.#granted(request, rules, judged))
          .catch((error) => this.#refused(request, error));
      }
      const granted = this.#granted(request, rules, grant);
      return granted instanceof Promise ? granted.catch((error) => this.#refused(request, error)) : granted;
    } catch (error) {
      return this.#refused(request, error);
    }
  }

  #granted(request: KeyRequest, rules: TenantRules, grant: Grant): HandedOut | Promise<HandedOut> {
    if (grant.credential !== undefined) {
      this.#limit(rules.credentials.take(grant.credential, rules.limits.perTokenPerMinute));
    }
    const named = request.names.filter(({ keyId }) => grant.names(keyId));
    if (named.length === 0) throw new Denial('key-not-granted', grant.subject);
    const held = this.#held(named, rules);
    if (held && (rules.audit === 'counted' || !request.counts)) return this.#hand(request, rules, grant, held);
    return this.#fetched(request, rules, grant, named);
  }

  #held(names: readonly KeyName[], { deliverDrmOnlyKeys }: TenantRules): HeldKey[] | undefined {
    const keys: HeldKey[] = [];
    for (const name of names) {
      const key = this.held.get(name);
      // The tenant may have changed its mind; or the key has been issued for a clear-key system since: key-service knows.
      if (key?.drmOnly && !deliverDrmOnlyKeys) this.held.forget(name);
      else if (key !== undefined) keys.push(key);
    }
    return keys.length === names.length ? keys : undefined;
  }

  async #fetched(request: KeyRequest, rules: TenantRules, grant: Grant, named: readonly KeyName[]): Promise<HandedOut> {
    const why = { reason: 'player' as const, exchangeId: request.exchange.id, subject: grant.subject };
    const keys = await this.releases.fetch(request.content, named, why);
    this.#tellWithheld(request, this.releases.withheld(named), grant);
    if (rules.audit === 'each' && request.counts) {
      const by = { exchange: request.exchange, subject: grant.subject, address: request.address };
      await Promise.all(keys.map(({ name }) => this.records.each(name, by)));
    }
    return this.#hand(request, rules, grant, keys);
  }

  #hand(request: KeyRequest, rules: TenantRules, grant: Grant, held: readonly HeldKey[]): HandedOut {
    const keys: HandedOutKey[] = [];
    const given: KeyName[] = [];
    for (const key of held) {
      const bytes = key.copy();
      if (bytes === undefined) continue;
      keys.push({ keyId: key.name.keyId, bytes, expiresAt: key.expiresAt });
      given.push(key.name);
    }
    if (keys.length === 0) throw new HttpProblem(404, 'key-not-found', 'There is no such key');
    if (request.counts) this.#count(request, rules, given);
    return { keys, grant, rules };
  }

  #count({ content, format }: KeyRequest, { audit }: TenantRules, given: readonly KeyName[]): void {
    instruments.keysDelivered.add(given.length, { tenant: content.tenant, format });
    if (audit === 'counted') for (const name of given) this.records.counted(name);
  }

  #limit(waitSeconds: number): void {
    if (waitSeconds === 0) return;
    throw new HttpProblem(429, 'too-many-requests', 'Too many requests: wait', {
      headers: { 'retry-after': String(waitSeconds) },
    });
  }

  /** Once the answer is on its way: it is that of a key that does not exist, in its words and in its time. */
  #tellWithheld(request: KeyRequest, names: readonly KeyName[], { subject }: Grant): void {
    if (names.length > 0) setImmediate(() => void this.#denied(request, names, DRM_ONLY, subject));
  }

  /** Its record before its answer; should the bus be away, the record follows. */
  async #refused(request: KeyRequest, error: unknown): Promise<never> {
    if (error instanceof Denial) await this.#denied(request, request.names, error.reason, error.subject);
    throw error;
  }

  /** As any tenant with tokens would say, and as slowly: which tenants there are is nobody's business. */
  async #refusedStranger({ address, exchange }: KeyRequest): Promise<never> {
    instruments.keysDenied.add(1, { tenant: UNKNOWN_TENANT, door: 'player', reason: NO_TENANT });
    // Without what was asked for: all of one address within a second is one record, whatever it makes up.
    await this.records.denied({ tenant: UNKNOWN_TENANT, keyIds: [], address, exchange, reason: NO_TENANT });
    throw new Denial('token-missing');
  }

  async #denied(
    { content, address, exchange }: KeyRequest,
    names: readonly KeyName[],
    reason: Denied['reason'],
    subject: string | undefined,
  ): Promise<void> {
    instruments.keysDenied.add(1, { tenant: content.tenant, door: 'player', reason });
    const keyIds = names.map(({ keyId }) => keyId);
    await this.records.denied({ ...content, keyIds, address, exchange, reason, subject });
  }
}

const UNKNOWN_TENANT_PER_MINUTE = 600;
