import type { LedgerEvent } from '../ledger/ledger-record';

/** An event on its way out, as it is kept until it has arrived. */
export interface Delivery {
  readonly bridge: string;
  readonly event: LedgerEvent;
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly since: number;
  readonly nextAt: number;
  readonly lastError?: string;
  /** Given up: it stays until an operator has it sent again. */
  readonly dead: boolean;
}

export interface Patience {
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** After this long it is given up. */
  readonly giveUpAfterMs: number;
}
export const PATIENCE: Patience = { firstWaitMs: 1_000, longestWaitMs: 15 * 60_000, giveUpAfterMs: 24 * 3_600_000 };

/** After a failed attempt: twice as long a wait as before, spread by a fifth so that receivers are not hit by waves. */
export function postpone(delivery: Delivery, error: string, now: number, patience: Patience, random: number): Delivery {
  const attempts = delivery.attempts + 1;
  const wait = Math.min(patience.longestWaitMs, patience.firstWaitMs * 2 ** Math.min(attempts - 1, 20));
  return {
    ...delivery,
    attempts,
    lastError: error.slice(0, 200),
    nextAt: now + wait * (0.8 + 0.4 * random),
    dead: now - delivery.since >= patience.giveUpAfterMs,
  };
}
