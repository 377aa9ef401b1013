import { Fault } from '@latchkey/messages';
import type { Logger } from '@latchkey/runtime';

/** Something to tell the bus. Told again if it fails with a retryable Fault, so it carries an id of its own. */
export type Message = () => Promise<unknown>;

const AT_ONCE = 64;
/** What is told within it is told together, which costs the bus one write. */
const GATHER_MS = 5;
const RETRY_MS = 500;
const LAST_WORDS_MS = 2_000;

/**
 * What a service tells the bus and nobody must wait for. Bounded: when the bus is away for long the oldest is dropped and
 * counted, for the truth about keys is in key-service's store, not here.
 */
export class Outbox {
  readonly #waiting: Message[] = [];
  #sending = 0;
  #dropped = 0;
  #paused = false;
  #gathering = false;

  constructor(
    private readonly logger: Logger,
    private readonly most = 10_000,
  ) {}

  put(message: Message): void {
    if (this.#waiting.length >= this.most) this.#drop();
    this.#waiting.push(message);
    if (this.#gathering) return;
    this.#gathering = true;
    setTimeout(() => {
      this.#gathering = false;
      this.#pump();
    }, GATHER_MS);
  }

  /** Told at once, for those whose answer comes after it. Resolves when it is told, or waits with the others for the bus. */
  async now(message: Message): Promise<void> {
    this.#sending++;
    await this.#send(message);
  }

  /** Waits for what is in it, but not for long. */
  async close(): Promise<void> {
    const until = performance.now() + LAST_WORDS_MS;
    while ((this.#waiting.length > 0 || this.#sending > 0) && performance.now() < until) {
      await new Promise((done) => setTimeout(done, 10));
    }
    const count = this.#waiting.length + this.#sending;
    if (count > 0) this.logger.warn({ count }, 'events left unsaid');
    this.#waiting.length = 0;
  }

  #pump(): void {
    while (!this.#paused && this.#sending < AT_ONCE) {
      const message = this.#waiting.shift();
      if (!message) return;
      this.#sending++;
      void this.#send(message);
    }
  }

  async #send(message: Message): Promise<void> {
    try {
      await message();
    } catch (err) {
      if (err instanceof Fault && err.retryable) this.#later(message);
      else this.logger.error({ err }, 'an event could not be told');
    } finally {
      this.#sending--;
      this.#pump();
    }
  }

  #later(message: Message): void {
    if (this.#waiting.length >= this.most) this.#drop();
    this.#waiting.push(message);
    if (this.#paused) return;
    this.#paused = true;
    setTimeout(() => {
      this.#paused = false;
      this.#pump();
    }, RETRY_MS).unref();
  }

  #drop(): void {
    this.#waiting.shift();
    // One line for the first and then for every thousandth.
    if (this.#dropped++ % 1_000 === 0) this.logger.error({ dropped: this.#dropped }, 'events are dropped');
  }
}
