import type { Ledger } from './ledger/ledger';
import { isLedgerEvent, type LedgerEvent } from './ledger/ledger-record';

/** What is told of events besides the ledger. */
export interface Witness {
  /** Before the ledger has it, and not any more once it has: for what must happen once, after a crash perhaps twice. */
  first?(event: LedgerEvent): Promise<void>;
  /** Each delivery, the same event perhaps more than once; the event is not acknowledged before it resolves. */
  heard?(event: LedgerEvent): Promise<void>;
  /** Once for each event, as far as this process lives: for what is seen, not for what must be. */
  recorded?(event: LedgerEvent): void;
}

/** Where every event comes in. */
export class EventIntake {
  private readonly firsts: readonly Asked<'first'>[];
  private readonly hearers: readonly Asked<'heard'>[];
  private readonly recorders: readonly Asked<'recorded'>[];

  constructor(
    private readonly ledger: Ledger,
    witnesses: readonly Witness[],
  ) {
    this.firsts = witnesses.filter((witness) => has(witness, 'first'));
    this.hearers = witnesses.filter((witness) => has(witness, 'heard'));
    this.recorders = witnesses.filter((witness) => has(witness, 'recorded'));
  }

  /**
   * Resolves when the event is durable and need not be delivered again. What can be no event is passed over. `text` is its JSON, if
   * it came as text.
   */
  async take(event: unknown, text?: string): Promise<void> {
    if (!isLedgerEvent(event)) return;
    if (this.firsts.length > 0) await this.tellFirst(event);
    const outcome = await this.ledger.append(event, text);
    await Promise.all(this.hearers.map((witness) => witness.heard(event)));
    if (outcome === 'recorded') for (const witness of this.recorders) witness.recorded(event);
  }

  private async tellFirst(event: LedgerEvent): Promise<void> {
    if (await this.ledger.has(event.id)) return;
    await Promise.all(this.firsts.map((witness) => witness.first(event)));
  }
}

type Asked<Part extends keyof Witness> = Required<Pick<Witness, Part>>;

function has<Part extends keyof Witness>(witness: Witness, part: Part): witness is Asked<Part> {
  return witness[part] !== undefined;
}
