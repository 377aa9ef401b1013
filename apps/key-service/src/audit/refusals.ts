import type { Call, Deadline } from '@latchkey/bus';
import type { KeyId } from '@latchkey/cenc';
import {
  Fault,
  keyRefused,
  keyTampered,
  type recordRefusal,
  type ReleaseRequest,
  type Requester,
} from '@latchkey/messages';
import type { z } from 'zod';
import type { AuditRecord } from './audit-log';
import type { AuditWriter } from './audit-writer';

export type RefusalRequest = z.infer<typeof recordRefusal.request>;

/** Keeps what was refused at the door as durably as what was issued. Throws Fault UNAVAILABLE, DEADLINE_EXCEEDED. */
export async function keepRefusal(audit: AuditWriter, refusal: RefusalRequest, { deadline }: Call): Promise<void> {
  const { tenant, contentId, keyIds, exchangeId, requester, code } = refusal;
  await audit.open(deadline);
  const subject = contentId === undefined ? tenant : `${tenant}/${contentId}`;
  const said = { tenant, ...(contentId !== undefined && { contentId }), exchangeId, requester, keyIds, code };
  await audit.append([audit.record(keyRefused, subject, said)], deadline);
}

/** Who asks for keys on behalf of players. */
const PLAYERS_DOOR: Requester = { encryptorId: 'key-delivery' };

/**
 * Keeps that keys of DRM systems were asked for on behalf of a player. The audit must be open. Once the answer is on its way: one about
 * such a key must take as long as one about a key that does not exist.
 */
export function tellWithheld(audit: AuditWriter, request: ReleaseRequest, keyIds: KeyId[], deadline: Deadline): void {
  setImmediate(() => {
    const { tenant, contentId, exchangeId, subject } = request;
    const said = { tenant, contentId, exchangeId, requester: PLAYERS_DOOR, keyIds, code: 'DRM_ONLY' };
    const record = audit.record(keyRefused, `${tenant}/${contentId}`, {
      ...said,
      ...(subject !== undefined && { subject }),
    });
    audit.append([record], deadline).catch(() => undefined);
  });
}

/** What was asked of keys when it was refused. */
export interface RefusedRequest {
  readonly tenant: string;
  readonly contentId: string;
  readonly exchangeId: string;
  /** Absent where players ask: their door keeps their denials. */
  readonly requester?: Requester;
}

/** What is the caller's doing. Parts that are down are not, and what cannot be read is refused at the door already. */
const REFUSALS = new Set(['FORBIDDEN', 'KEY_NOT_FOUND', 'CONFLICT']);

/**
 * Opens the audit, does the work, and keeps what the key service itself refuses of it; raises the alarm for a row that was altered.
 * Throws what the work throws: what hinders the audit then must not hide it.
 */
export async function tellingRefusals<T>(
  audit: AuditWriter,
  request: RefusedRequest,
  keyIds: KeyId[],
  deadline: Deadline,
  work: () => Promise<T>,
): Promise<T> {
  await audit.open(deadline);
  try {
    return await work();
  } catch (error) {
    await tellRefusal(audit, request, keyIds, error, deadline);
    throw error;
  }
}

async function tellRefusal(
  audit: AuditWriter,
  request: RefusedRequest,
  keyIds: KeyId[],
  error: unknown,
  deadline: Deadline,
): Promise<void> {
  if (!(error instanceof Fault)) return;
  const { tenant, contentId, exchangeId, requester } = request;
  const about = { tenant, contentId, exchangeId, keyIds };
  const subject = `${tenant}/${contentId}`;
  if (error.code === 'TAMPERED') await tell(audit.record(keyTampered, subject, about));
  else if (requester && REFUSALS.has(error.code)) {
    await tell(audit.record(keyRefused, subject, { ...about, requester, code: error.code }));
  }

  async function tell(record: AuditRecord): Promise<void> {
    await audit.append([record], deadline).catch(() => undefined);
  }
}
