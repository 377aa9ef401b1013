import type { Deadline } from '@latchkey/bus';
import { CONTENT_KEY_BYTES, ContentKey } from '@latchkey/cenc';
import { Fault } from '@latchkey/messages';
import {
  KEY_FORMAT,
  type KeyFacts,
  type KeyIdentity,
  type KeyRow,
  type StoredKey,
  type Wrapped,
} from '../store/stored-key';
import { CHECKSUM_BYTES } from './playready-checksum';
import type { KeyWrapper } from './key-wrapper';

export interface KeyToStore {
  readonly identity: KeyIdentity;
  readonly facts: KeyFacts;
  readonly contentKey: ContentKey;
  /** Base64. */
  readonly checksum: string;
}

/** A key as it comes out of its row. */
export interface UnwrappedKey {
  /** The caller disposes of it. */
  readonly contentKey: ContentKey;
  /** PlayReady's CHECKSUM, base64. It lies wrapped beside the key: to make it anew costs as much as to unwrap. */
  readonly checksum: string;
}

/** Makes rows of content keys, and content keys of rows. Each key is bound to all that its row says. */
export class KeyVault {
  constructor(private readonly wrapper: KeyWrapper) {}

  /** All of one tenant. */
  async wrap(tenant: string, keys: readonly KeyToStore[], deadline: Deadline): Promise<StoredKey[]> {
    const clears = keys.map(({ identity, facts, contentKey, checksum }) => {
      const text = JSON.stringify(facts);
      return { identity, text, bytes: clearOf(contentKey, checksum), additionalData: additionalData(identity, text) };
    });
    try {
      const wrapped = await this.wrapper.wrap({ tenant, purpose: 'content-key' }, clears, deadline);
      return clears.map(({ identity, text }, at) => ({
        state: 'kept',
        ...identity,
        facts: text,
        wrapped: wrapped[at] as Wrapped,
      }));
    } finally {
      for (const { bytes } of clears) bytes.fill(0);
    }
  }

  /** Throws Fault TAMPERED for a row that is not what was written, UNAVAILABLE. */
  async unwrap(row: KeyRow, deadline: Deadline): Promise<UnwrappedKey> {
    if (row.state !== 'kept') throw new Fault('TAMPERED', `the row of key ${row.keyId} is damaged`);
    const context = { tenant: row.tenant, purpose: 'content-key' } as const;
    const clear = await this.wrapper.unwrap(context, row.wrapped, additionalData(row, row.facts), deadline);
    try {
      if (clear.length !== CLEAR_BYTES) throw new Fault('TAMPERED', `the row of key ${row.keyId} holds no key`);
      return {
        contentKey: ContentKey.fromBytes(clear.subarray(0, CONTENT_KEY_BYTES)),
        checksum: clear.toString('base64', CONTENT_KEY_BYTES),
      };
    } finally {
      clear.fill(0);
    }
  }
}

const CLEAR_BYTES = CONTENT_KEY_BYTES + CHECKSUM_BYTES;

function clearOf(contentKey: ContentKey, checksum: string): Buffer {
  const clear = Buffer.alloc(CLEAR_BYTES);
  contentKey.expose((bytes) => clear.set(bytes));
  clear.write(checksum, CONTENT_KEY_BYTES, 'base64');
  return clear;
}

/** JSON of a list has no line break in it: no two rows have one form. */
function additionalData({ tenant, contentId, keyId }: KeyIdentity, facts: string): Buffer {
  return Buffer.from(`${JSON.stringify(['latchkey key', KEY_FORMAT, tenant, contentId, keyId])}\n${facts}`);
}
