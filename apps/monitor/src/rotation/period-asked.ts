import { keyIssued, keyReissued, type KeyPeriod } from '@latchkey/messages';
import type { z } from 'zod';
import type { LedgerEvent } from '../ledger/ledger-record';
import type { PeriodAsked } from './watched-content';

type Issuance = z.output<typeof keyIssued.data>;
type PlacedKey = { keyId: string; position: number; index: number | undefined; lengthMs: number | undefined };

/**
 * What an issuance says of its content's rotation, by the furthest of its periods. Nothing, if it has no live period:
 * offsets are VOD's.
 */
export function periodAsked(event: LedgerEvent): PeriodAsked | undefined {
  if (event.type !== keyIssued.type && event.type !== keyReissued.type) return undefined;
  const issuance = event.data as unknown as Issuance;
  const placed = issuance.keys.flatMap(({ keyId, period }) => place(keyId, period));
  const furthest = placed.reduce<PlacedKey | undefined>(
    (best, key) => (best && best.position >= key.position ? best : key),
    undefined,
  );
  const at = Date.parse(event.time);
  if (!furthest || Number.isNaN(at)) return undefined;
  return {
    tenant: issuance.tenant,
    contentId: issuance.contentId,
    encryptorId: issuance.requester.encryptorId,
    exchangeId: issuance.exchangeId,
    keyIds: placed.filter(({ position }) => position === furthest.position).map(({ keyId }) => keyId),
    periodIndex: furthest.index,
    position: furthest.position,
    periodMs: furthest.lengthMs,
    at,
  };
}

function place(keyId: string, period: KeyPeriod | undefined): PlacedKey[] {
  if (!period || period.startOffset !== undefined || period.endOffset !== undefined) return [];
  const [start, end] = [timeOf(period.start), timeOf(period.end)];
  const position = period.index ?? start;
  const lengthMs = start !== undefined && end !== undefined && end > start ? end - start : undefined;
  return position === undefined ? [] : [{ keyId, position, index: period.index, lengthMs }];
}

function timeOf(text: string | undefined): number | undefined {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? undefined : time;
}
