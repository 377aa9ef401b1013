import type { KeyId } from '@latchkey/cenc';

export interface ContentName {
  readonly tenant: string;
  readonly contentId: string;
}

/** What makes a key one key. */
export interface KeyName extends ContentName {
  readonly keyId: KeyId;
  /** All three in one, for maps: neither a tenant nor a key ID holds a slash, so no two keys share it. */
  readonly text: string;
}

export function keyName({ tenant, contentId }: ContentName, keyId: KeyId): KeyName {
  return { tenant, contentId, keyId, text: `${tenant}/${keyId}/${contentId}` };
}
