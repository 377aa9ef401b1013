import type { Bus } from '@latchkey/bus';
import type { ContentKey, KeyId, SystemId } from '@latchkey/cenc';
import {
  Fault,
  issueKeys,
  SealingIdentity,
  type IssuedKey,
  type IssueReply,
  type KeyDelivery,
  type SealingPair,
} from '@latchkey/messages';
import type { AnsweredKey, SpekeRequest } from '@latchkey/speke';
import type { z } from 'zod';
import { timed, type DocumentExchange } from './document-exchange';
import { keyRefusal } from './speke-problems';

/** A key as it was issued, and as it will be answered. */
export type ReadyKey = AnsweredKey & { readonly checksum: string };

export interface ReadyKeys {
  /** In the order of the document. */
  readonly keys: readonly ReadyKey[];
  readonly recipients: IssueReply['recipients'];
  /** Zeroes the clear keys among them. */
  dispose(): void;
}

/** Asks key-service for the keys of a document, encrypted for its recipients or else sealed to this process. */
export class ContentKeys {
  readonly #identity = new SealingIdentity();

  constructor(private readonly bus: Bus) {}

  /** Throws SpekeRejection, Fault. The caller disposes of what it gets. */
  async issue(exchange: DocumentExchange): Promise<ReadyKeys> {
    const pair = this.#identity.current();
    try {
      const asked = this.bus.ask(issueKeys, issueRequest(exchange, pair), { deadline: exchange.deadline });
      return ready(await timed(exchange, issueKeys.subject, asked), exchange, pair);
    } catch (error) {
      exchange.report.refusalRecorded = isRecorded(error);
      throw keyRefusal(error, exchange.request.version);
    }
  }
}

/** What key-service refuses for its keys' sake it records itself. */
export function isRecorded(error: unknown): boolean {
  return error instanceof Fault && ['FORBIDDEN', 'KEY_NOT_FOUND', 'CONFLICT'].includes(error.code);
}

type IssueInput = z.input<typeof issueKeys.request>;

function issueRequest({ id, request, caller, onlyExisting }: DocumentExchange, pair: SealingPair): IssueInput {
  return {
    tenant: caller.tenant.id,
    contentId: request.contentId,
    exchangeId: id,
    spekeVersion: request.version,
    requester: caller.requester,
    keys: request.keys.map((key) => requestedKey(key, request)),
    systems: request.systems.map(({ systemId }) => systemId),
    delivery: deliveryFor(request.recipients, pair),
    onlyExisting,
  };
}

/** key-service knows schemes only: what an HLS method means is in `scheme` already. */
function requestedKey(key: SpekeRequest['keys'][number], request: SpekeRequest): IssueInput['keys'][number] {
  const { keyId, scheme, explicitIv, needsExplicitIv, period, intendedTrackType } = key;
  return { keyId, scheme, explicitIv, needsExplicitIv, period, intendedTrackType, systems: systemsOf(keyId, request) };
}

/** The systems that signal a key; undefined where all of the document do, as in almost all documents. */
export function systemsOf(keyId: KeyId, { systems, keys }: SpekeRequest): SystemId[] | undefined {
  if (systems.every((system) => system.keys.length === keys.length)) return undefined;
  return systems.filter((system) => system.keys.some((one) => one.keyId === keyId)).map(({ systemId }) => systemId);
}

/** Once there is a DeliveryDataList no key is ever asked for in another way. */
function deliveryFor(recipients: readonly string[] | undefined, pair: SealingPair): KeyDelivery {
  if (recipients) return { kind: 'recipients', certificates: [...recipients] };
  return { kind: 'sealed', publicKey: pair.publicKey };
}

function ready(reply: IssueReply, exchange: DocumentExchange, pair: SealingPair): ReadyKeys {
  if (exchange.request.recipients)
    return { keys: reply.keys.map(encrypted), recipients: reply.recipients, dispose() {} };
  const contentKeys = openSealed(reply, exchange, pair);
  return {
    keys: reply.keys.map((key, at) => clear(key, contentKeys[at] as ContentKey)),
    recipients: undefined,
    dispose: () => contentKeys.forEach((key) => key.dispose()),
  };
}

function encrypted({ secret, ...key }: IssuedKey): ReadyKey {
  if (secret.kind !== 'encrypted') throw new Error('a key came sealed that was asked for encrypted');
  return { ...factsOf(key), secret };
}

function clear(key: IssuedKey, contentKey: ContentKey): ReadyKey {
  return { ...factsOf(key), secret: { kind: 'clear', contentKey } };
}

function factsOf({ requestedKeyId, keyId, explicitIv, checksum }: Omit<IssuedKey, 'secret'>) {
  return { requestedKeyId, keyId, explicitIv, checksum };
}

function openSealed({ keys, sealedBy, box }: IssueReply, exchange: DocumentExchange, pair: SealingPair): ContentKey[] {
  if (sealedBy === undefined || box === undefined || keys.some(({ secret }) => secret.kind !== 'sealed')) {
    throw new Error('a key came encrypted that was asked for sealed');
  }
  const { caller, request } = exchange;
  const context = { tenant: caller.tenant.id, contentId: request.contentId, keyIds: keys.map(({ keyId }) => keyId) };
  return pair.openAll(sealedBy, box, context);
}
