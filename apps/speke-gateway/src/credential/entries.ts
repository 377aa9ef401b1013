import { createSecretKey, randomBytes } from 'node:crypto';
import { apiKeyHint } from '../door/api-key';
import { digestHa1 } from '../door/digest';
import { hashPassword } from '../door/password-hash';
import { readCredentialsKey, wrapSecret } from '../door/wrapped-secret';

export interface EntryOptions {
  readonly id: string;
  readonly user: string;
  readonly header: string;
  readonly keyFile: string;
  readonly md5: boolean;
  readonly secret: string;
  /** The secret was made by us, of 256 random bits: 32 bits of its hash may be told. */
  readonly random: boolean;
}

/** Entries for `encryptors` of the tenants file, by method: what they show of the secret is no use for asking. */
export const ENTRIES: Readonly<Record<string, (options: EntryOptions) => Promise<object> | object>> = {
  basic: async ({ id, user, secret }) => ({ id, method: 'basic', username: user, hash: await hashPassword(secret) }),
  digest: ({ id, user, secret, md5 }) => ({
    id,
    method: 'digest',
    username: user,
    ha1: { sha256: digestHa1('SHA-256', user, secret), ...(md5 && { md5: digestHa1('MD5', user, secret) }) },
  }),
  'api-key': async ({ id, header, secret, random }) => ({
    id,
    method: 'api-key',
    header,
    hash: await hashPassword(secret),
    ...(random && { hint: apiKeyHint(secret) }),
  }),
  sigv4: ({ id, keyFile, secret }) => {
    const accessKeyId = `LK${randomBytes(9).toString('hex').toUpperCase()}`;
    return { id, method: 'sigv4', accessKeyId, secret: wrapSecret(readCredentialsKey(keyFile), accessKeyId, secret) };
  },
};

/** A secret that nobody can guess. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** What a CREDENTIALS_KEY_FILE holds. */
export function newCredentialsKey(): string {
  return createSecretKey(randomBytes(32)).export().toString('base64');
}
