import type { Call, Deadline } from '@latchkey/bus';
import type { KeyId } from '@latchkey/cenc';
import { Fault, keyRevoked, type revokeKeys, type shredContent } from '@latchkey/messages';
import type { z } from 'zod';
import type { AuditWriter } from '../audit/audit-writer';
import type { KeyStore } from '../store/key-store';
import { readFacts, revokedAt, type ContentName, type KeyRow, type Revocations } from '../store/stored-key';

export type RevokeRequest = z.infer<typeof revokeKeys.request>;
export type RevokeReply = z.infer<typeof revokeKeys.reply>;
export type ShredRequest = z.infer<typeof shredContent.request>;
export type ShredReply = z.infer<typeof shredContent.reply>;

/** Keys of one content that can be revoked one by one: they lie in one row, which every read of that content reads. */
export const MAX_REVOKED_ALONE = 4_000;
const MAX_RACES = 8;
const PAGE = 1_000;
/** Key IDs in one reply or event. */
const MAX_LISTED = 10_000;
/** What is left of the deadline for the answer. */
const ANSWER_MS = 250;

export interface KeyRevokerParts {
  readonly store: KeyStore;
  readonly audit: AuditWriter;
  readonly now?: () => number;
}

/** What an act of revoking says of itself. */
type Act = Pick<RevokeRequest, 'exchangeId' | 'requester'> & { reason?: string | undefined; shredded: boolean };

/** Takes keys out of service: by a note that every read sees, and for good by taking the keys out of their rows. */
export class KeyRevoker {
  readonly #now: () => number;

  constructor(private readonly parts: KeyRevokerParts) {
    this.#now = parts.now ?? Date.now;
  }

  /** Without key IDs: all keys made up to now. Throws Fault INVALID_REQUEST, UNAVAILABLE, DEADLINE_EXCEEDED. */
  async revoke(request: RevokeRequest, { deadline }: Call): Promise<RevokeReply> {
    await this.parts.audit.open(deadline);
    const act = { ...request, shredded: false };
    if (request.keyIds) return { revoked: (await this.#note(request, act, request.keyIds, deadline)).length };
    const { living, more } = await this.#living(request, deadline);
    await this.#note(request, act, undefined, deadline, living);
    return { revoked: living.length + (more ? 1 : 0) };
  }

  /**
   * Revokes all keys made up to now and then takes them out of their rows. `truncated`: not all are listed; with `preview: false`
   * also: time ran out before all were taken out (they are revoked all the same), so ask again.
   */
  async shred(request: ShredRequest, { deadline }: Call): Promise<ShredReply> {
    const { living, more } = await this.#living(request, deadline);
    if (request.preview) return { keyIds: living, truncated: more };
    await this.parts.audit.open(deadline);
    await this.#note(request, { ...request, shredded: true }, undefined, deadline, living);
    const done = await this.#takeOut(request, deadline);
    return { keyIds: living, truncated: more || !done };
  }

  /** Writes what is revoked, with the record of it. Gives back the key IDs that were not revoked before. */
  async #note(
    content: ContentName,
    act: Act,
    keyIds: readonly KeyId[] | undefined,
    deadline: Deadline,
    listed: readonly KeyId[] = [],
  ): Promise<readonly KeyId[]> {
    for (let race = 0; race < MAX_RACES; race++) {
      const { revocations } = await this.parts.store.read(content, [], deadline);
      const fresh = keyIds?.filter((keyId) => revocations.keys[keyId] === undefined);
      if (fresh?.length === 0) return fresh;
      const record = this.parts.audit.record(keyRevoked, `${content.tenant}/${content.contentId}`, {
        tenant: content.tenant,
        contentId: content.contentId,
        exchangeId: act.exchangeId,
        requester: act.requester,
        keyIds: [...(fresh ?? listed)],
        wholeContent: keyIds === undefined,
        shredded: act.shredded,
        ...(act.reason !== undefined && { reason: act.reason }),
      });
      const next = grown(revocations, fresh, this.#now());
      const written = await this.parts.audit.writeWith([record], () =>
        this.parts.store.revoke(content, next, [record], deadline),
      );
      if (written) return fresh ?? listed;
    }
    throw new Fault('UNAVAILABLE', 'others are revoking keys of the same content at the same time');
  }

  /** What plays now: neither expired nor revoked nor shredded. */
  async #living(content: ContentName, deadline: Deadline): Promise<{ living: KeyId[]; more: boolean }> {
    const living: KeyId[] = [];
    for await (const { rows, revocations } of this.#pages(content, deadline)) {
      for (const row of rows) if (lives(row, revocations, this.#now())) living.push(row.keyId);
      if (living.length > MAX_LISTED) return { living: living.slice(0, MAX_LISTED), more: true };
    }
    return { living, more: false };
  }

  /** False when time ran out. */
  async #takeOut(content: ContentName, deadline: Deadline): Promise<boolean> {
    for await (const { rows, revocations } of this.#pages(content, deadline)) {
      const due = rows.filter((row) => row.state === 'kept').filter((row) => !isNewer(row, revocations));
      if (deadline.remainingMs < ANSWER_MS) return false;
      await this.parts.store.shred(due, this.#now(), deadline);
    }
    return true;
  }

  async *#pages(content: ContentName, deadline: Deadline) {
    let after: KeyId | undefined;
    do {
      const page = await this.parts.store.page(content, PAGE, after, deadline);
      yield page;
      after = page.next;
    } while (after);
  }
}

function grown(revocations: Revocations, keyIds: readonly KeyId[] | undefined, now: number): Revocations {
  const version = revocations.version + 1;
  if (!keyIds) return { ...revocations, version, allUntil: Math.max(revocations.allUntil ?? 0, now) };
  const keys = { ...revocations.keys, ...Object.fromEntries(keyIds.map((keyId) => [keyId, now])) };
  if (Object.keys(keys).length > MAX_REVOKED_ALONE) {
    throw new Fault('INVALID_REQUEST', `more than ${MAX_REVOKED_ALONE} keys of one content: revoke all of them`);
  }
  return { ...revocations, version, keys };
}

function lives(row: KeyRow, revocations: Revocations, now: number): boolean {
  if (row.state !== 'kept') return false;
  const { createdAt, expiresAt } = readFacts(row);
  return (expiresAt === undefined || now < expiresAt) && revokedAt(revocations, row.keyId, createdAt) === undefined;
}

/** Made after the act: not meant by it. */
function isNewer(row: KeyRow & { facts: string }, { allUntil = 0 }: Revocations): boolean {
  return readFacts(row).createdAt > allUntil;
}
