import type { Deadline } from '@latchkey/bus';
import { CONTENT_KEY_BYTES, ContentKey } from '@latchkey/cenc';
import { Fault } from '@latchkey/messages';
import {
  KEY_FORMAT,
  readFacts,
  type DeliveryPermit,
  type KeyFacts,
  type KeyIdentity,
  type KeyRow,
  type StoredKey,
  type StoredPermit,
  type Wrapped,
} from '../store/stored-key';
import { CHECKSUM_BYTES } from './playready-checksum';
import type { KeyWrapper } from './key-wrapper';
import type { EncryptionContext } from './master-key';

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
    const { wrapped, facts } = keptRow(row);
    return takeKey(row, await this.wrapper.unwrap(contextOf(row), wrapped, additionalData(row, facts), deadline));
  }

  /** The same if its data key is at hand, else undefined. Throws Fault TAMPERED. */
  unwrapNow(row: KeyRow): UnwrappedKey | undefined {
    const { wrapped, facts } = keptRow(row);
    const clear = this.wrapper.unwrapNow(contextOf(row), wrapped, additionalData(row, facts));
    return clear && takeKey(row, clear);
  }

  /** Permits for keys that are in the store, all of one tenant. */
  async permit(rows: readonly StoredKey[], permittedAt: number, deadline: Deadline): Promise<DeliveryPermit[]> {
    const [first] = rows;
    if (!first) return [];
    const clears = rows.map((row) => ({ bytes: PERMITTED, additionalData: permitData(row) }));
    const wrapped = await this.wrapper.wrap({ tenant: first.tenant, purpose: 'content-key' }, clears, deadline);
    return rows.map(({ tenant, contentId, keyId, facts }, at) => {
      const { expiresAt } = readFacts({ facts });
      const identity = { tenant, contentId, keyId };
      return {
        ...identity,
        permittedAt,
        ...(expiresAt !== undefined && { expiresAt }),
        wrapped: wrapped[at] as Wrapped,
      };
    });
  }

  /** Throws Fault TAMPERED for a permit that was not given for this key, UNAVAILABLE. */
  async checkPermit(row: StoredKey, { wrapped }: StoredPermit, deadline: Deadline): Promise<void> {
    if (!wrapped) throw new Fault('TAMPERED', `the delivery permit of key ${row.keyId} is damaged`);
    await this.wrapper.unwrap(contextOf(row), wrapped, permitData(row), deadline);
  }
}

function keptRow(row: KeyRow): StoredKey {
  if (row.state !== 'kept') throw new Fault('TAMPERED', `the row of key ${row.keyId} is damaged`);
  return row;
}

function contextOf({ tenant }: KeyIdentity): EncryptionContext {
  return { tenant, purpose: 'content-key' };
}

/** Zeroes what it is taken from. */
function takeKey({ keyId }: KeyIdentity, clear: Buffer): UnwrappedKey {
  try {
    if (clear.length !== CLEAR_BYTES) throw new Fault('TAMPERED', `the row of key ${keyId} holds no key`);
    return {
      contentKey: ContentKey.fromBytes(clear.subarray(0, CONTENT_KEY_BYTES)),
      checksum: clear.toString('base64', CONTENT_KEY_BYTES),
    };
  } finally {
    clear.fill(0);
  }
}

/** A permit hides nothing: it is sealed so that nobody else can make one, or turn one key's into another's. */
const PERMITTED = Buffer.from('permitted');

const CLEAR_BYTES = CONTENT_KEY_BYTES + CHECKSUM_BYTES;

function clearOf(contentKey: ContentKey, checksum: string): Buffer {
  const clear = Buffer.alloc(CLEAR_BYTES);
  contentKey.expose((bytes) => clear.set(bytes));
  clear.write(checksum, CONTENT_KEY_BYTES, 'base64');
  return clear;
}

function additionalData(identity: KeyIdentity, facts: string): string {
  return labelled('latchkey key', identity, facts);
}

/** The facts are of this one key, made at one time with one IV: a permit does not outlive it for the next one of its ID. */
function permitData(row: StoredKey): string {
  return labelled('latchkey delivery permit', row, row.facts);
}

/** JSON of a list has no line break in it: no two rows have one form. */
function labelled(label: string, { tenant, contentId, keyId }: KeyIdentity, facts: string): string {
  return `${JSON.stringify([label, KEY_FORMAT, tenant, contentId, keyId])}\n${facts}`;
}
