import type { Bus } from '@latchkey/bus';
import type { Witness } from '../event-intake';
import type { LedgerEvent } from '../ledger/ledger-record';

/** An event this old when it comes: there is more behind it. */
const OLD_MS = 5_000;
/** Quiet for this long after that, or after a start or a broken connection: all has come. */
const SETTLED_MS = 3_000;
/** What a process that was killed had in hand is delivered again when its time to acknowledge is over. */
const LEFT_BEHIND_MS = 65_000;

/** Whether what happened has been heard: before, silence says nothing, as after a time without the bus. */
export class KeepingTime implements Witness {
  private behindUntil: number;

  constructor(
    private readonly bus: Pick<Bus, 'connected'>,
    /** Whether the monitor before this one ended in order. */
    endedWell = true,
    private readonly now: () => number = Date.now,
  ) {
    this.behindUntil = now() + (endedWell ? SETTLED_MS : LEFT_BEHIND_MS);
  }

  async heard(event: LedgerEvent): Promise<void> {
    const age = this.now() - Date.parse(event.time);
    if (age > OLD_MS) this.wait();
  }

  /** To be asked now and then. */
  get caughtUp(): boolean {
    if (!this.bus.connected) this.wait();
    return this.now() >= this.behindUntil;
  }

  private wait(): void {
    this.behindUntil = Math.max(this.behindUntil, this.now() + SETTLED_MS);
  }
}
