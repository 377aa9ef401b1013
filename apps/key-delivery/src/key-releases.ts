import type { KeyId } from '@latchkey/cenc';
import { Deadline, type Bus } from '@latchkey/bus';
import {
  Fault,
  MAX_KEYS_PER_REQUEST,
  newId,
  releaseKeys,
  SealingIdentity,
  type ReleaseReply,
  type ReleaseRequest,
  type SealingPair,
} from '@latchkey/messages';
import { unavailable } from '@latchkey/http';
import { LRUCache } from 'lru-cache';
import { keyName, type ContentName, type KeyName } from './key-name';
import { HeldKey, type HeldKeys } from './held-keys';

/** For whom or what a key is fetched; it is in key-service's audit record. */
export interface ReleaseReason {
  readonly reason: 'player' | 'warm';
  readonly exchangeId: string;
  readonly subject?: string | undefined;
}

export interface KeyReleasesOptions {
  readonly timeoutMs: number;
  /** Keys being fetched at once; more are refused at once rather than answered late. */
  readonly mostPending: number;
  readonly now: () => number;
}

/** What key-service gave nothing for: unknown, expired and revoked keys alike, and those that were issued for DRM systems alone. */
type Absence = 'unknown' | 'drm-only';

/** It is believed for so long: a key's first player may be there before its encryptor. */
const ABSENT_MS = 1_000;
const KEPT_ABSENCES = 10_000;

interface Released {
  readonly keys: ReadonlyMap<KeyId, HeldKey>;
  readonly withheld: ReadonlySet<KeyId>;
}

interface Pending {
  readonly name: KeyName;
  readonly key: Promise<HeldKey | undefined>;
  /** A revocation came while the answer was on its way: it may be older than the revocation. */
  revoked: boolean;
}

/** Keys from key-service, one question for each key however many wait for it. */
export class KeyReleases {
  readonly #pending = new Map<string, Pending>();
  readonly #absent: LRUCache<string, Absence>;
  readonly #identity = new SealingIdentity();

  constructor(
    private readonly bus: Bus,
    private readonly held: HeldKeys,
    private readonly options: KeyReleasesOptions,
  ) {
    this.#absent = new LRUCache({ max: KEPT_ABSENCES, ttl: ABSENT_MS, perf: { now: options.now }, ttlResolution: 0 });
  }

  /**
   * The keys of a content, those that exist, held in memory from now on. Throws Fault (UNAVAILABLE, DEADLINE_EXCEEDED)
   * when key-service cannot be asked, HttpProblem 503 when too many questions are open.
   */
  async fetch(content: ContentName, names: readonly KeyName[], why: ReleaseReason): Promise<HeldKey[]> {
    const unknown = names.filter(
      (name) => !this.held.has(name) && !this.#absent.has(name.text) && !this.#pending.has(name.text),
    );
    for (let at = 0; at < unknown.length; at += MAX_KEYS_PER_REQUEST) {
      this.#ask(content, unknown.slice(at, at + MAX_KEYS_PER_REQUEST), why);
    }
    const keys = await Promise.all(names.map((name) => this.held.get(name) ?? this.#pending.get(name.text)?.key));
    return keys.filter((key) => key !== undefined);
  }

  /** Those for which players get nothing though they exist: for the records of it, never for an answer. */
  withheld(names: readonly KeyName[]): KeyName[] {
    return names.filter(({ text }) => this.#absent.get(text) === 'drm-only');
  }

  /** Such a key exists now. */
  appeared(name: KeyName): void {
    this.#absent.delete(name.text);
  }

  /** Answers on their way are not to be believed; without key IDs: for no key of the content. */
  revoked(content: ContentName, keyIds: readonly KeyId[] | undefined): void {
    for (const pending of this.#pending.values()) {
      const { name } = pending;
      const meant = name.tenant === content.tenant && name.contentId === content.contentId;
      if (meant && (keyIds === undefined || keyIds.includes(name.keyId))) pending.revoked = true;
    }
  }

  #ask(content: ContentName, names: readonly KeyName[], why: ReleaseReason): void {
    if (this.#pending.size + names.length > this.options.mostPending) {
      throw unavailable(undefined, 'Too many keys are being fetched: try again');
    }
    const answer = this.#release(content, names, why);
    for (const name of names) {
      const pending: Pending = {
        name,
        revoked: false,
        key: answer.then((released) => this.#settle(pending, released)),
      };
      this.#pending.set(name.text, pending);
      const done = () => this.#pending.delete(name.text);
      pending.key.then(done, done);
    }
  }

  #settle(pending: Pending, { keys, withheld }: Released): HeldKey | undefined {
    const { keyId, text } = pending.name;
    const key = keys.get(keyId);
    if (key === undefined) this.#absent.set(text, withheld.has(keyId) ? 'drm-only' : 'unknown');
    else if (pending.revoked) key.zero();
    else this.held.hold(key);
    return key;
  }

  async #release(content: ContentName, names: readonly KeyName[], why: ReleaseReason): Promise<Released> {
    const pair = this.#identity.current();
    try {
      const reply = await this.bus.ask(releaseKeys, releaseRequest(content, names, why, pair.publicKey), {
        deadline: Deadline.in(this.options.timeoutMs),
      });
      return { keys: openAll(content, reply, pair), withheld: new Set(reply.withheld) };
    } catch (error) {
      // What key-service finds wrong with our question is not the player's doing.
      if (error instanceof Fault && !error.retryable)
        throw new Fault('INTERNAL', 'keys.v1.release failed', { cause: error });
      throw error;
    }
  }
}

function releaseRequest(
  content: ContentName,
  names: readonly KeyName[],
  why: ReleaseReason,
  publicKey: string,
): ReleaseRequest {
  return {
    tenant: content.tenant,
    contentId: content.contentId,
    exchangeId: why.exchangeId,
    keyIds: names.map(({ keyId }) => keyId),
    reason: why.reason,
    ...(why.subject === undefined ? {} : { subject: why.subject }),
    publicKey,
  };
}

function openAll(content: ContentName, reply: ReleaseReply, pair: SealingPair): Map<KeyId, HeldKey> {
  const keys = new Map<KeyId, HeldKey>();
  try {
    for (const { keyId, box, expiresAt, drmOnly = false } of reply.keys) {
      const name = keyName(content, keyId);
      keys.set(keyId, new HeldKey(name, pair.open(reply.sealedBy, box, name), expiresAt, drmOnly));
    }
    return keys;
  } catch (error) {
    for (const key of keys.values()) key.zero();
    throw error;
  }
}

/** For keys that nobody has asked for yet. */
export function warming(): ReleaseReason {
  return { reason: 'warm', exchangeId: newId() };
}
