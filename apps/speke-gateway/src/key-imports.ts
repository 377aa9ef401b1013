import type { Bus } from '@latchkey/bus';
import type { ContentKey, KeyId } from '@latchkey/cenc';
import { importKeys, SealingIdentity, sealingKey } from '@latchkey/messages';
import { isRecorded, systemsOf } from './content-keys';
import { timed, type DocumentExchange } from './document-exchange';
import { keyRefusal } from './speke-problems';

/** Brings keys of the caller's own into the key store. */
export class KeyImports {
  readonly #identity = new SealingIdentity();

  constructor(private readonly bus: Bus) {}

  /** All or none; what is there already with the same key stays. Throws SpekeRejection, Fault. */
  async import(exchange: DocumentExchange, contentKeys: ReadonlyMap<KeyId, ContentKey>): Promise<void> {
    const { publicKey } = await this.bus.ask(sealingKey, {}, { deadline: exchange.deadline });
    const pair = this.#identity.current();
    const { request, caller, id: exchangeId, deadline } = exchange;
    const content = { tenant: caller.tenant.id, contentId: request.contentId };
    const keys = request.keys.map((key) => {
      const contentKey = contentKeys.get(key.keyId);
      if (!contentKey) throw new Error('a key of the document is not among those that came with it');
      const { keyId, scheme, explicitIv, period, intendedTrackType } = key;
      return {
        keyId,
        scheme,
        explicitIv,
        period,
        intendedTrackType,
        systems: systemsOf(keyId, request),
        box: pair.seal(publicKey, contentKey, { ...content, keyId: key.keyId }),
      };
    });
    const systems = request.systems.map(({ systemId }) => systemId);
    const asked = this.bus.ask(
      importKeys,
      { ...content, exchangeId, requester: caller.requester, sealedBy: pair.publicKey, keys, systems },
      { deadline },
    );
    try {
      await timed(exchange, importKeys.subject, asked);
    } catch (error) {
      exchange.report.refusalRecorded = isRecorded(error);
      throw keyRefusal(error, request.version);
    }
  }
}
