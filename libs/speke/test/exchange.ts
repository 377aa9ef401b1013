import { createHash } from 'node:crypto';
import { ContentKey, parseKeyId, type KeyId } from '@latchkey/cenc';
import { encryptForRecipients } from '@latchkey/cpix';
import {
  answerSpekeRequest,
  parseSpekeRequest,
  spekeVersionOf,
  SpekeRejection,
  type AnsweredKey,
  type AnswerParts,
  type KeySignaling,
  type ParseOptions,
  type RequestedKey,
  type SignalingItem,
  type SpekeRequest,
  type SpekeVersion,
} from '../src';

/** What a door would answer: the document, or the refusal. */
export type Outcome = { request: SpekeRequest; answer: string } | { rejection: SpekeRejection };

/** The whole exchange but for the services: keys are made from their key IDs, signaling says what it is. */
export function exchange(header: string | null, body: string | Uint8Array, options?: ParseOptions): Outcome {
  try {
    const request = parseSpekeRequest(spekeVersionOf(header ?? undefined), bytes(body), options);
    return { request, answer: answer(request) };
  } catch (error) {
    if (error instanceof SpekeRejection) return { rejection: error };
    throw error;
  }
}

export function parse(body: string, version: SpekeVersion = '2.0', options?: ParseOptions): SpekeRequest {
  return parseSpekeRequest(version, bytes(body), options);
}

/** The refusal that this must get. Throws Error if it gets none. */
export function refusal(
  body: string | Uint8Array,
  version: SpekeVersion = '2.0',
  options?: ParseOptions,
): SpekeRejection {
  const outcome = exchange(version, body, options);
  if ('rejection' in outcome) return outcome.rejection;
  throw new Error('it was not refused');
}

export function codes(body: string, version: SpekeVersion = '2.0', options?: ParseOptions): string[] {
  return refusal(body, version, options).faults.map(({ code }) => code);
}

export function answer(request: SpekeRequest, parts: Partial<AnswerParts> = {}): string {
  return answerSpekeRequest(request, { ...partsFor(request), ...parts });
}

/** `keyIds`: which key is answered for which, where a tenant overrides them. */
export function partsFor(request: SpekeRequest, keyIds: ReadonlyMap<KeyId, KeyId> = new Map()): AnswerParts {
  const encryption = request.recipients && encryptForRecipients(request.recipients);
  const keys = request.keys.map((key): AnsweredKey => {
    const contentKey = contentKeyOf(key.keyId);
    return {
      requestedKeyId: key.keyId,
      keyId: keyIds.get(key.keyId) ?? key.keyId,
      explicitIv: key.explicitIv ?? (key.needsExplicitIv ? ivOf(key) : undefined),
      secret: encryption ? encryption.encrypt(contentKey) : { kind: 'clear', contentKey },
    };
  });
  const signaling = new Map(
    request.systems.map(({ systemId, keys: wanted }) => [
      systemId,
      wanted.map(({ keyId, wants }) => signalingOf(keyIds.get(keyId) ?? keyId, wants)),
    ]),
  );
  return { keys, signaling, recipients: encryption?.recipients };
}

/** A key that a test can know: not the service's way of making one. */
export function contentKeyOf(keyId: string): ContentKey {
  return ContentKey.fromBytes(createHash('sha256').update(parseKeyId(keyId)).digest().subarray(0, 16));
}

export function keyText(keyId: string): string {
  return contentKeyOf(keyId).expose((key) => key.toString('base64'));
}

function ivOf(key: RequestedKey): string {
  return createHash('sha256').update(`iv of ${key.keyId}`).digest().subarray(0, 16).toString('base64');
}

export function said(item: SignalingItem, keyId: string): string {
  return Buffer.from(`${item} of ${keyId}`).toString('base64');
}

function signalingOf(keyId: KeyId, wants: readonly SignalingItem[]): KeySignaling {
  return { keyId, ...Object.fromEntries(wants.map((item) => [item, said(item, keyId)])) };
}

function bytes(body: string | Uint8Array): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body) : body;
}
