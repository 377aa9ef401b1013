import type { Logger } from '@latchkey/runtime';
import type { HeldKeys } from './held-keys';
import type { ContentName, KeyName } from './key-name';
import { warming, type KeyReleases } from './key-releases';

const AT_ONCE = 4;
const MOST_WAITING = 1_000;

/**
 * Fetches keys before anybody asks: encryptors have a period's key made before the period begins, and then all viewers
 * come at once. A few at a time and so many waiting: a key that is left out is fetched when its first player comes.
 */
export class KeyWarming {
  readonly #waiting: { content: ContentName; names: readonly KeyName[] }[] = [];
  #atWork = 0;

  constructor(
    private readonly releases: KeyReleases,
    private readonly held: HeldKeys,
    private readonly logger: Logger,
  ) {}

  warm(content: ContentName, names: readonly KeyName[]): void {
    const missing = names.filter((name) => !this.held.has(name));
    if (missing.length === 0 || this.#waiting.length >= MOST_WAITING) return;
    this.#waiting.push({ content, names: missing });
    this.#next();
  }

  #next(): void {
    while (this.#atWork < AT_ONCE) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#atWork++;
      void this.#fetch(next.content, next.names);
    }
  }

  async #fetch(content: ContentName, names: readonly KeyName[]): Promise<void> {
    try {
      await this.releases.fetch(content, names, warming());
    } catch (err) {
      this.logger.debug({ err }, 'keys could not be warmed');
    } finally {
      this.#atWork--;
      this.#next();
    }
  }
}
