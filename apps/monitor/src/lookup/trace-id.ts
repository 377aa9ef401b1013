import type { LedgerEvent } from '../ledger/ledger-record';

/** The trace of an event, from its W3C traceparent: version, trace id, span id, flags. */
export function traceIdOf(event: LedgerEvent | undefined): string | undefined {
  return /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(event?.traceparent ?? '')?.[1];
}
