import type { DocumentWish, Encryptor, SpekeAnswer } from '@latchkey/testing';
import type { TrackKey, TrackType } from './packaging';
import type { System } from './system';

/** What the running server answers to an encryptor that has a certificate. Throws Error with the server's words if it refuses. */
export async function answered(system: System, encryptor: Encryptor, wish: DocumentWish): Promise<SpekeAnswer> {
  const reply = await encryptor.ask(`${system.spekeUrl}/copyProtection`, wish, { encrypted: true });
  if (reply.status !== 200) throw new Error(`${reply.status}: ${reply.body}`);
  return reply.document();
}

/** The key of a track, as a packager wants it. */
export function trackKey(answer: SpekeAnswer, track: TrackType, keyId: string): TrackKey {
  const found = answer.keys.find((key) => key.keyId === keyId);
  if (!found) throw new Error(`the answer has no key ${keyId}`);
  const iv = found.explicitIv === undefined ? undefined : Buffer.from(found.explicitIv, 'base64');
  return { track, keyId, key: found.key, iv };
}

/** Every pssh box of the answer, or those of one system. */
export function boxesOf(answer: SpekeAnswer, only?: string): Buffer[] {
  return answer.systems.flatMap(({ systemId, items }) => {
    if (only !== undefined && only !== systemId) return [];
    const box = items.get('PSSH');
    return box === undefined ? [] : [Buffer.from(box, 'base64')];
  });
}

/** What a system says about a key, decoded: HLS lines and ContentProtection's inner elements are text in base64. */
export function said(answer: SpekeAnswer, systemId: string, keyId: string, item: string): string {
  const found = answer.systems.find((system) => system.systemId === systemId && system.keyId === keyId);
  const base64 = found?.items.get(item);
  if (base64 === undefined) throw new Error(`${systemId} says no ${item} about ${keyId}`);
  return Buffer.from(base64, 'base64').toString('utf8');
}
