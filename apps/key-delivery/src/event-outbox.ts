import type { Bus } from '@latchkey/bus';
import type { EventContract } from '@latchkey/messages';
import type { Logger } from '@latchkey/runtime';

const MOST_WAITING = 10_000;
const RETRY_MS = 1_000;

type Publish = () => Promise<void>;

/** Events on their way to the bus: what it does not accept now waits in memory and is offered again, the same event by its id. */
export class EventOutbox {
  #waiting: Publish[] = [];
  #retry: NodeJS.Timeout | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly logger: Logger,
  ) {}

  /** Resolves when the event is accepted, or waits to be offered again. */
  async put(contract: EventContract, event: { id: string }): Promise<void> {
    const publish = () => this.bus.publish(contract, event);
    try {
      await publish();
    } catch {
      this.#keep(publish);
    }
  }

  /** Resolves when the event is durable. Throws Fault UNAVAILABLE. */
  async putOrFail(contract: EventContract, event: { id: string }): Promise<void> {
    await this.bus.publish(contract, event);
  }

  /** Offers what waits once more. */
  async close(): Promise<void> {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    await this.#offer();
    clearTimeout(this.#retry);
    if (this.#waiting.length > 0)
      this.logger.error({ lost: this.#waiting.length }, 'delivery events lost: the bus did not take them');
  }

  #keep(publish: Publish): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#waiting.shift();
      this.logger.error({ lost: 1 }, 'a delivery event is lost: too many wait for the bus');
    }
    this.#waiting.push(publish);
    this.#retry ??= setTimeout(() => void this.#offer(), RETRY_MS).unref();
  }

  async #offer(): Promise<void> {
    const offered = this.#waiting;
    this.#waiting = [];
    this.#retry = undefined;
    while (offered.length > 0) {
      try {
        await (offered[0] as Publish)();
        offered.shift();
      } catch {
        for (const publish of offered) this.#keep(publish);
        return;
      }
    }
  }
}
