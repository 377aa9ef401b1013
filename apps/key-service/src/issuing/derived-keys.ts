import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { Deadline } from '@latchkey/bus';
import { CONTENT_KEY_BYTES, ContentKey, EXPLICIT_IV_BYTES } from '@latchkey/cenc';
import { Fault } from '@latchkey/messages';
import type { KeyIdentity } from '../store/stored-key';
import type { SecretVault } from '../wrapping/secret-vault';
import type { KeySource, NewKey } from './key-source';

export const ROOT_SECRET_BYTES = 32;

/** A tenant's root secret of a version, in the store. */
export function rootSecretName(version: number): string {
  return `root/${version}`;
}

interface RootSecret {
  readonly key: KeyObject;
  readonly version: number;
  readonly until: number;
}

/**
 * Keys that two regions make alike without asking each other: HKDF-SHA-256 from a root secret of the tenant, which the operator
 * has put into both regions' stores, wrapped (`npm run keys -- root`). See docs/decisions for when to choose them.
 */
export class DerivedKeys implements KeySource {
  readonly #roots = new Map<string, RootSecret>();

  constructor(
    private readonly secrets: SecretVault,
    /** How long a root secret is held, and how long after a new version it may still be used. */
    private readonly maxAgeMs: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Throws Fault UNAVAILABLE when the tenant has no root secret. */
  async make(identities: readonly KeyIdentity[], deadline: Deadline): Promise<NewKey[]> {
    const made: NewKey[] = [];
    for (const identity of identities) made.push(deriveKey(await this.#root(identity.tenant, deadline), identity));
    return made;
  }

  async #root(tenant: string, deadline: Deadline): Promise<RootSecret> {
    const known = this.#roots.get(tenant);
    if (known && this.now() < known.until) return known;
    const found = await this.#newest(tenant, deadline);
    const root = { ...found, until: this.now() + this.maxAgeMs };
    this.#roots.set(tenant, root);
    return root;
  }

  async #newest(tenant: string, deadline: Deadline): Promise<Omit<RootSecret, 'until'>> {
    let newest: Omit<RootSecret, 'until'> | undefined;
    for (let version = 1; ; version++) {
      const bytes = await this.secrets.get(tenant, rootSecretName(version), deadline);
      if (!bytes) break;
      newest = { key: createSecretKey(bytes), version };
      bytes.fill(0);
    }
    if (newest) return newest;
    throw new Fault('UNAVAILABLE', `tenant ${tenant} has derived keys and no root secret: npm run keys -- root`);
  }
}

/**
 * Over the identity of the key, which has no period in it: the same key ID asked for in another period, or by another SPEKE version,
 * is the same key. The IV is made under another label, never from the key.
 */
export function deriveKey({ key, version }: { key: KeyObject; version: number }, identity: KeyIdentity): NewKey {
  const name = JSON.stringify([identity.tenant, identity.contentId, identity.keyId]);
  const bytes = Buffer.from(hkdfSync('sha256', key, '', `latchkey content key v1 ${name}`, CONTENT_KEY_BYTES));
  const iv = Buffer.from(hkdfSync('sha256', key, '', `latchkey explicit iv v1 ${name}`, EXPLICIT_IV_BYTES));
  const contentKey = ContentKey.fromBytes(bytes);
  bytes.fill(0);
  return { contentKey, explicitIv: iv.toString('base64'), facts: { origin: 'derived', rootVersion: version } };
}
