import type { Bus } from '@latchkey/bus';
import { SYSTEM_IDS, type SystemId } from '@latchkey/cenc';
import { signalingFor, type KeyToSignal, type SignalingRequest } from '@latchkey/messages';
import type { KeySignaling, RequestedSystem } from '@latchkey/speke';
import type { ReadyKey } from './content-keys';
import { timed, type DocumentExchange } from './document-exchange';
import { KeptSignaling } from './kept-signaling';
import { systemRefusal } from './speke-problems';

/** Whoever says a DRM system's signaling for the keys of one document. Throws Fault. */
export interface SignalingSource {
  (request: SignalingRequest, exchange: DocumentExchange): Promise<readonly KeySignaling[]>;
}

/**
 * Who answers for which DRM system: the one place where that is decided. Today each system is a service on its own
 * subject of the bus.
 */
export class DrmSystems {
  readonly #kept: KeptSignaling;

  constructor(
    private readonly bus: Bus,
    { signalingKeptMs }: { readonly signalingKeptMs: number },
  ) {
    this.#kept = new KeptSignaling(signalingKeptMs);
  }

  /**
   * All systems of the document, asked at once. Unknown ones were refused with the document: one that nobody answers for
   * now is down, which is UNAVAILABLE, for an encryptor gives up after a 4xx.
   */
  async signal(
    exchange: DocumentExchange,
    keys: readonly ReadyKey[],
  ): Promise<ReadonlyMap<SystemId, readonly KeySignaling[]>> {
    const byId = new Map(keys.map((key) => [key.requestedKeyId, key]));
    const { systems } = exchange.request;
    const answers = await Promise.all(systems.map((system) => this.#ask(system, exchange, byId)));
    return new Map(systems.map(({ systemId }, at) => [systemId, answers[at] ?? []]));
  }

  #sourceOf(_system: SystemId): SignalingSource {
    return this.#onTheBus;
  }

  readonly #onTheBus: SignalingSource = (request, exchange) =>
    this.#kept.get(request, exchange.caller.tenant.signaling, () => {
      const contract = signalingFor(request.systemId);
      const answer = this.bus.ask(contract, request, { deadline: exchange.deadline });
      return timed(exchange, contract.subject, answer);
    });

  async #ask(system: RequestedSystem, exchange: DocumentExchange, keys: ReadonlyMap<string, ReadyKey>) {
    const source = this.#sourceOf(system.systemId);
    try {
      return await source(signalingRequest(system, exchange, keys), exchange);
    } catch (error) {
      throw systemRefusal(error, system.systemId, exchange.request.version);
    }
  }
}

function signalingRequest(
  system: RequestedSystem,
  { request, caller }: DocumentExchange,
  keys: ReadonlyMap<string, ReadyKey>,
): SignalingRequest {
  return {
    tenant: caller.tenant.id,
    contentId: request.contentId,
    systemId: system.systemId,
    spekeVersion: request.version,
    keys: system.keys.map((wanted) => {
      const asked = request.keys.find(({ keyId }) => keyId === wanted.keyId);
      const issued = keys.get(wanted.keyId);
      if (!asked || !issued) throw new Error('a system names a key that was not issued');
      return keyToSignal(system.systemId, asked, issued, [...wanted.wants]);
    }),
  };
}

/** Under its key ID as answered. Only PlayReady, whose header has a CHECKSUM, is told anything that is made from the key. */
function keyToSignal(
  system: SystemId,
  asked: DocumentExchange['request']['keys'][number],
  issued: ReadyKey,
  wants: KeyToSignal['wants'],
): KeyToSignal {
  const { scheme, hlsMethod, period, intendedTrackType } = asked;
  return {
    keyId: issued.keyId,
    scheme,
    hlsMethod,
    period,
    intendedTrackType,
    explicitIv: issued.explicitIv,
    checksum: system === SYSTEM_IDS.playready ? issued.checksum : undefined,
    wants,
  };
}
