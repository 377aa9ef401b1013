import type { Ledger } from './ledger/ledger';
import type { LedgerEvent } from './ledger/ledger-record';

/** What is told of events besides the ledger. */
export interface Witness {
  /** Each delivery, the same event perhaps more than once; the event is not acknowledged before it resolves. */
  heard?(event: LedgerEvent): Promise<void>;
  /** Once for each event, as far as this process lives: for what is seen, not for what must be. */
  recorded?(event: LedgerEvent): void;
}

/** Where every event comes in. */
export class EventIntake {
  constructor(
    private readonly ledger: Ledger,
    private readonly witnesses: readonly Witness[],
  ) {}

  /** Resolves when the event is durable and need not be delivered again. */
  async take(event: LedgerEvent): Promise<void> {
    const outcome = await this.ledger.append(event);
    await Promise.all(this.witnesses.map((witness) => witness.heard?.(event)));
    if (outcome === 'recorded') for (const witness of this.witnesses) witness.recorded?.(event);
  }
}
