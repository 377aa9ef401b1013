import type { Call } from '@latchkey/bus';
import { keyRefused, type recordRefusal } from '@latchkey/messages';
import type { z } from 'zod';
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
