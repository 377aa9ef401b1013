import type { Deadline } from '@latchkey/bus';
import { CONTENT_KEY_BYTES, ContentKey } from '@latchkey/cenc';
import { Fault } from '@latchkey/messages';
import { KEY_FORMAT, type KeyFacts, type KeyIdentity, type KeyRow, type StoredKey } from '../store/stored-key';
import type { KeyWrapper } from './key-wrapper';

export interface KeyToStore {
  readonly identity: KeyIdentity;
  readonly facts: KeyFacts;
  readonly contentKey: ContentKey;
}

/** Makes rows of content keys, and content keys of rows. Each key is bound to all that its row says. */
export class KeyVault {
  constructor(private readonly wrapper: KeyWrapper) {}

  /** All of one tenant. */
  async wrap(tenant: string, keys: readonly KeyToStore[], deadline: Deadline): Promise<StoredKey[]> {
    const texts = keys.map(({ facts }) => JSON.stringify(facts));
    const clears = keys.map(({ identity, contentKey }, at) => ({
      bytes: contentKey.expose((bytes) => bytes),
      additionalData: additionalData(identity, texts[at]!),
    }));
    const wrapped = await this.wrapper.wrap({ tenant, purpose: 'content-key' }, clears, deadline);
    return keys.map(({ identity }, at) => ({
      state: 'kept',
      ...identity,
      facts: texts[at]!,
      wrapped: wrapped[at]!,
    }));
  }

  /** The caller disposes of the key. Throws Fault TAMPERED for a row that is not what was written, UNAVAILABLE. */
  async unwrap(row: KeyRow, deadline: Deadline): Promise<ContentKey> {
    if (row.state !== 'kept') throw new Fault('TAMPERED', `the row of key ${row.keyId} is damaged`);
    const context = { tenant: row.tenant, purpose: 'content-key' } as const;
    const clear = await this.wrapper.unwrap(context, row.wrapped, additionalData(row, row.facts), deadline);
    try {
      if (clear.length !== CONTENT_KEY_BYTES) throw new Fault('TAMPERED', `the row of key ${row.keyId} holds no key`);
      return ContentKey.fromBytes(clear);
    } finally {
      clear.fill(0);
    }
  }
}

/** JSON of a list: no two lists of texts have one form. */
function additionalData({ tenant, contentId, keyId }: KeyIdentity, facts: string): Buffer {
  return Buffer.from(JSON.stringify(['latchkey key', KEY_FORMAT, tenant, contentId, keyId, facts]));
}
