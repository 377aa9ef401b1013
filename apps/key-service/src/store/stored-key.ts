import type { KeyId, ProtectionScheme } from '@latchkey/cenc';
import { Fault, type KeyPeriod } from '@latchkey/messages';

/** The content that keys belong to: the tenant comes from the credential, the content ID from the document. */
export interface ContentName {
  readonly tenant: string;
  readonly contentId: string;
}

/** What makes a key one key. The period is not part of it: it is what the first issue knew. */
export interface KeyIdentity extends ContentName {
  readonly keyId: KeyId;
}

/** Something wrapped, with the encrypted data key that opens it. */
export interface Wrapped {
  /** As the master key (KMS) encrypted it. */
  readonly encryptedDataKey: Buffer;
  /** commitment[32], nonce[12], ciphertext, tag[16]: see wrapping/data-key.ts. */
  readonly box: Buffer;
}

/** What is known of a key beside its bytes. Stored as one text, which is authenticated with the key (see key-vault.ts). */
export interface KeyFacts {
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Epoch milliseconds: past it the key is gone, whether or not its row is. Absent: kept. */
  readonly expiresAt?: number;
  readonly origin: 'random' | 'derived' | 'imported' | 'playready-test-seed';
  /** Base64 of the 16 bytes that were made, or brought, with the key. */
  readonly explicitIv: string;
  readonly scheme?: ProtectionScheme;
  readonly period?: KeyPeriod;
  readonly intendedTrackType?: string;
  /** Made for a clear-key system: players may have it in the clear. Absent: for DRM systems alone, unless a permit says otherwise. */
  readonly clearDelivery?: true;
  /** Where the tenant overrides key IDs: the one that the encryptor asked for first. */
  readonly requestedKeyId?: KeyId;
  /** Of a derived key: the version of the tenant's root secret. */
  readonly rootVersion?: number;
}

/** The layout of rows. A row of another format is not ours to read. */
export const KEY_FORMAT = 1;

/** A key as it lies in the store. It is written once; only shredding replaces it. */
export interface StoredKey extends KeyIdentity {
  readonly state: 'kept';
  readonly facts: string;
  readonly wrapped: Wrapped;
}

/** What a row can be: with its key, without it for ever, or not what was written. */
export type KeyRow =
  | StoredKey
  | (KeyIdentity & { readonly state: 'shredded'; readonly facts: string; readonly shreddedAt: number })
  | (KeyIdentity & { readonly state: 'damaged' });

/**
 * That players may have a key in the clear which was made for DRM systems alone: a later request named a clear-key system. A row of its
 * own, for key rows are never changed; authenticated for this one key (see key-vault.ts).
 */
export interface DeliveryPermit extends KeyIdentity {
  /** Epoch milliseconds. */
  readonly permittedAt: number;
  /** As the key's: epoch milliseconds. */
  readonly expiresAt?: number;
  readonly wrapped: Wrapped;
}

/** A permit as it is read: with another key's, or none that anybody wrote, it does not unwrap. */
export type StoredPermit = Pick<DeliveryPermit, 'expiresAt'> & { readonly wrapped: Wrapped | undefined };

/** What is revoked of a content. It only grows. */
export interface Revocations {
  /** Counts changes: whoever writes names the one that it has read. */
  readonly version: number;
  /** All keys made up to then, epoch milliseconds. */
  readonly allUntil?: number;
  /** When, by key ID. */
  readonly keys: Readonly<Record<string, number>>;
}

export const NOTHING_REVOKED: Revocations = { version: 0, keys: {} };

/** When the key was revoked, epoch milliseconds; undefined if it was not. */
export function revokedAt(revocations: Revocations, keyId: KeyId, createdAt: number): number | undefined {
  const alone = revocations.keys[keyId];
  if (alone !== undefined) return alone;
  return revocations.allUntil !== undefined && createdAt <= revocations.allUntil ? revocations.allUntil : undefined;
}

/** The facts of a row that has been unwrapped, or that are only to be shown. Throws Fault TAMPERED for what is no JSON. */
export function readFacts(row: { readonly facts: string }): KeyFacts {
  try {
    return JSON.parse(row.facts) as KeyFacts;
  } catch (cause) {
    throw new Fault('TAMPERED', 'the facts of a key do not parse', { cause });
  }
}
