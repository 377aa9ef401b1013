import type { RotationRow } from './rotation-watch';

/** A content on the rotation board. Times are ISO 8601. */
export function boardRow({ content, state, cadenceMs, dueAt, missedAt }: RotationRow) {
  return {
    tenant: content.tenant,
    contentId: content.contentId,
    encryptorId: content.encryptorId,
    lastKeyIds: content.lastKeyIds,
    lastPeriodIndex: content.lastPeriodIndex,
    lastExchangeId: content.lastExchangeId,
    lastAt: new Date(content.lastAt).toISOString(),
    state,
    cadenceMs,
    dueAt: isoOf(dueAt),
    missedAt: isoOf(missedAt),
  };
}
export type BoardRow = ReturnType<typeof boardRow>;

function isoOf(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}
