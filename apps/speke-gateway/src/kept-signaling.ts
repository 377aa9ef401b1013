import type { SignalingReply, SignalingRequest } from '@latchkey/messages';
import { instruments } from '@latchkey/runtime';
import { signalingDigest, type TenantSignaling } from '@latchkey/tenants';
import { LRUCache } from 'lru-cache';

type Signaling = SignalingReply['keys'];

/** In UTF-16 units of questions and answers: some ten thousand documents. */
const MOST_TEXT = 32 * 1_024 * 1_024;

/**
 * What DRM systems said, for whoever asks the same soon: a second encryptor of a channel, a retry. Signaling is made of nothing but
 * the question and the tenant's settings. An answer that was made from other settings than this process knows is given once.
 */
export class KeptSignaling {
  readonly #answers: LRUCache<string, Signaling> | undefined;

  /** `ms` 0: nothing is kept. */
  constructor(ms: number) {
    if (ms > 0) this.#answers = new LRUCache({ ttl: ms, maxSize: MOST_TEXT });
  }

  async get(
    request: SignalingRequest,
    settings: TenantSignaling,
    ask: () => Promise<SignalingReply>,
  ): Promise<Signaling> {
    const digest = signalingDigest(settings);
    const question = this.#answers && `${digest} ${JSON.stringify(request)}`;
    const kept = question === undefined ? undefined : this.#answers?.get(question);
    instruments.signalingCache.add(1, { system: request.systemId, result: kept ? 'hit' : 'miss' });
    if (kept) return kept;
    const { keys, settings: madeFrom } = await ask();
    if (question !== undefined && madeFrom === digest) {
      this.#answers?.set(question, keys, { size: question.length + lengthOf(keys) });
    }
    return keys;
  }
}

function lengthOf(keys: Signaling): number {
  return keys.flatMap((key) => Object.values(key)).reduce((sum, text) => sum + (text?.length ?? 0), 0);
}
