import type { Principal } from '../access/principal';
import { maySee } from '../access/principal';
import type { Witness } from '../event-intake';
import type { LedgerEvent } from '../ledger/ledger-record';
import { summarise, type EventSummary } from './event-summary';

type Listener = (summary: EventSummary) => void;

/** The latest events, and whoever wants to be told of the next. */
export class LiveFeed implements Witness {
  private readonly latest: EventSummary[] = [];
  private readonly listeners = new Set<Listener>();

  constructor(private readonly kept = 200) {}

  recorded(event: LedgerEvent): void {
    const summary = summarise(event);
    this.latest.push(summary);
    if (this.latest.length > this.kept) this.latest.shift();
    for (const listener of this.listeners) listener(summary);
  }

  /** The most recent last. */
  latestFor(principal: Principal): EventSummary[] {
    return this.latest.filter(({ tenant }) => maySee(principal, tenant));
  }

  /** Until the function that it gives is called. */
  listen(principal: Principal, listener: Listener): () => void {
    const own: Listener = (summary) => {
      if (maySee(principal, summary.tenant)) listener(summary);
    };
    this.listeners.add(own);
    return () => this.listeners.delete(own);
  }
}
