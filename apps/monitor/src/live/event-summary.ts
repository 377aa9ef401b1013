import { keyIdsOf } from '../ledger/index-keys';
import type { LedgerEvent } from '../ledger/ledger-record';

/** An event in a line, for lists. */
export interface EventSummary {
  readonly id: string;
  /** Without the reverse-DNS prefix and the version, e.g. `key.issued`. */
  readonly kind: string;
  readonly time: string;
  readonly tenant?: string;
  readonly contentId?: string;
  readonly exchangeId?: string;
  readonly encryptorId?: string;
  readonly keyIds: readonly string[];
  readonly keyCount: number;
  readonly status?: number;
  readonly code?: string;
  readonly durationMs?: number;
}

const KEYS_SHOWN = 4;

export function summarise(event: LedgerEvent): EventSummary {
  const { data } = event;
  const requester = data['requester'] as { encryptorId?: unknown } | undefined;
  const keyIds = keyIdsOf(event);
  return {
    id: event.id,
    kind: kindOf(event.type),
    time: event.time,
    ...text('tenant', data.tenant),
    ...text('contentId', data.contentId),
    ...text('exchangeId', data.exchangeId),
    ...text('encryptorId', requester?.encryptorId),
    ...text('code', data['code'] ?? data['reason']),
    ...number('status', data['status']),
    ...number('durationMs', data['durationMs']),
    keyIds: keyIds.slice(0, KEYS_SHOWN),
    keyCount: keyIds.length,
  };
}

/** `io.latchkey.key.issued.v1` → `key.issued`. */
export function kindOf(type: string): string {
  return type.replace(/^io\.latchkey\./, '').replace(/\.v\d+$/, '');
}

function text(name: string, value: unknown) {
  return typeof value === 'string' ? { [name]: value } : {};
}

function number(name: string, value: unknown) {
  return typeof value === 'number' ? { [name]: value } : {};
}
