import type { Principal } from '../access/principal';
import { maySee } from '../access/principal';
import type { Witness } from '../event-intake';
import type { LedgerEvent } from '../ledger/ledger-record';
import { summarise, type EventSummary } from './event-summary';

type Listener = (summary: EventSummary) => void;

/** The latest events, and whoever wants to be told of the next. */
export class LiveFeed implements Witness {
  private readonly latest: LedgerEvent[] = [];
  private readonly listeners = new Set<Listener>();

  constructor(private readonly kept = 200) {}

  recorded(event: LedgerEvent): void {
    this.latest.push(event);
    if (this.latest.length > this.kept) this.latest.shift();
    if (this.listeners.size === 0) return;
    const summary = summarise(event);
    for (const listener of this.listeners) listener(summary);
  }

  /** The most recent last. */
  latestFor(principal: Principal): EventSummary[] {
    return this.latest.map(summarise).filter(({ tenant }) => maySee(principal, tenant));
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
