import { randomBytes } from 'node:crypto';
import type { Deadline } from '@latchkey/bus';
import type { ContentKey } from '@latchkey/cenc';
import { Fault, SealingPair, type SealContext } from '@latchkey/messages';
import { SERVICE_TENANT, type SecretVault } from '../wrapping/secret-vault';

const DAY_MS = 86_400_000;

/**
 * The key pairs to which keys on their way in are sealed. All processes of the key service share them, because one answers
 * the question for the public key and another may get the import; there is a new one each day, and yesterday's is still good.
 */
export class ImportSealing {
  readonly #pairs = new Map<number, SealingPair>();

  constructor(
    private readonly secrets: SecretVault,
    private readonly now: () => number = Date.now,
  ) {}

  async publicKey(deadline: Deadline): Promise<string> {
    return (await this.#pair(this.#today(), deadline)).publicKey;
  }

  /** The caller disposes of the key. Throws Fault INVALID_REQUEST for a box that opens under neither pair. */
  async open(sealedBy: string, box: string, context: SealContext, deadline: Deadline): Promise<ContentKey> {
    const today = this.#today();
    try {
      return (await this.#pair(today, deadline)).open(sealedBy, box, context);
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'INVALID_REQUEST') throw error;
      return (await this.#pair(today - 1, deadline)).open(sealedBy, box, context);
    }
  }

  #today(): number {
    return Math.floor(this.now() / DAY_MS);
  }

  async #pair(day: number, deadline: Deadline): Promise<SealingPair> {
    const known = this.#pairs.get(day);
    if (known) return known;
    const privateKey = await this.secrets.getOrCreate(SERVICE_TENANT, `import/${day}`, newPrivateKey, deadline);
    const pair = new SealingPair(privateKey);
    privateKey.fill(0);
    for (const old of this.#pairs.keys()) if (old < this.#today() - 1) this.#pairs.delete(old);
    this.#pairs.set(day, pair);
    return pair;
  }
}

function newPrivateKey(): Buffer {
  return randomBytes(32);
}
