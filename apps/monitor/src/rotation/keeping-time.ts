import type { Bus } from '@latchkey/bus';
import type { Witness } from '../event-intake';
import type { LedgerEvent } from '../ledger/ledger-record';

/** An event this old when it comes: there is more behind it. */
const OLD_MS = 5_000;
/** Quiet for this long after that, or after a start or a broken connection: all has come. */
const SETTLED_MS = 3_000;

/** Whether what happened has been heard: before, silence says nothing, as after a time without the bus. */
export class KeepingTime implements Witness {
  private behindUntil: number;

  constructor(
    private readonly bus: Pick<Bus, 'connected'>,
    private readonly now: () => number = Date.now,
  ) {
    this.behindUntil = now() + SETTLED_MS;
  }

  async heard(event: LedgerEvent): Promise<void> {
    const age = this.now() - Date.parse(event.time);
    if (age > OLD_MS) this.behindUntil = this.now() + SETTLED_MS;
  }

  /** To be asked now and then. */
  get caughtUp(): boolean {
    if (!this.bus.connected) this.behindUntil = this.now() + SETTLED_MS;
    return this.now() >= this.behindUntil;
  }
}
