import { hash } from 'node:crypto';
import type { LedgerEvent } from './ledger-record';

/** The ways into the ledger beside the chain itself, which is in the order of time, and the event's id. */
export type IndexName = 'content' | 'key' | 'exchange';

export interface IndexKey {
  readonly index: IndexName;
  /** What is looked up, e.g. a key ID. Every index is within one chain: one tenant's. */
  readonly value: string;
}

/**
 * Under which keys an event is found: as few as do, since each is a write. An exchange's own event has its id, and the
 * key IDs of an exchange are those of its key events.
 */
export function indexKeysOf(event: LedgerEvent): IndexKey[] {
  const { contentId, exchangeId } = event.data;
  const keys: IndexKey[] = [];
  if (contentId !== undefined) keys.push({ index: 'content', value: contentDigest(contentId) });
  if (exchangeId !== undefined && exchangeId !== event.id) keys.push({ index: 'exchange', value: exchangeId });
  if (event.type.startsWith(EXCHANGE_EVENTS)) return keys;
  for (const value of keyIdsOf(event)) keys.push({ index: 'key', value });
  return keys;
}

const EXCHANGE_EVENTS = 'io.latchkey.exchange.';

/** A content ID may be 1,024 bytes of anything; stores' keys are shorter. */
export function contentDigest(contentId: string): string {
  return hash('sha256', contentId, 'base64url');
}

/** Every key ID that the event is about, each once. */
export function keyIdsOf({ data }: LedgerEvent): string[] {
  const keys = Array.isArray(data['keys']) ? (data['keys'] as { keyId?: unknown; requestedKeyId?: unknown }[]) : [];
  const found = [
    ...keys.flatMap((key) => [key.keyId, key.requestedKeyId]),
    ...list(data['keyIds']),
    ...list(data['lastKeyIds']),
    data['keyId'],
  ];
  return [...new Set(found.filter((keyId): keyId is string => typeof keyId === 'string'))];
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
