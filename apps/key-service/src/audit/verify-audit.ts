import type { MasterKey } from '../wrapping/master-key';
import type { AuditLog, AuditRecord, AuditWriterRow } from './audit-log';
import { AUDIT_CONTEXT, closingMac, macKeyOf, recordMac } from './audit-trail';

/** What is wrong with one number of one writer. */
export interface AuditFinding {
  readonly writer: string;
  readonly sequence: number;
  /**
   * `missing`: there is no such record, or there were more. `altered`: it is not what was written. `unsettled`: among the last
   * of a process that died, or is still at work: it may never have been written, and then its answer never left.
   */
  readonly fault: 'missing' | 'altered' | 'unsettled';
}

export interface AuditVerdict {
  readonly writers: number;
  readonly records: number;
  readonly findings: readonly AuditFinding[];
}

const PAGE = 1_000;
/** As many records as one process may have under way. */
const UNDER_WAY = 256;
const DECRYPT_WITHIN_MS = 5_000;

/** Reads the whole audit and says which records were cut out or altered. Throws Fault UNAVAILABLE. */
export async function verifyAudit(log: AuditLog, masterKey: MasterKey): Promise<AuditVerdict> {
  const writers = await log.writers('all');
  const findings: AuditFinding[] = [];
  let records = 0;
  for (const row of writers) {
    const found = await verifyWriter(log, masterKey, row);
    records += found.records;
    findings.push(...found.findings);
  }
  return { writers: writers.length, records, findings };
}

async function verifyWriter(log: AuditLog, masterKey: MasterKey, row: AuditWriterRow) {
  const macKey = macKeyOf(await masterKey.decrypt(row.encryptedDataKey, AUDIT_CONTEXT, DECRYPT_WITHIN_MS));
  const { writer, last, closing } = row;
  const altered: number[] = [];
  const seen = new Set<number>();
  for await (const record of recordsOf(log, writer)) {
    seen.add(record.sequence);
    if (!recordMac(macKey, writer, record.sequence, record.body).equals(record.mac)) altered.push(record.sequence);
  }
  const end = Math.max(0, last ?? 0, ...seen);
  const inOrder = closing !== undefined && last !== undefined && closingMac(macKey, writer, last).equals(closing);
  const missing = Array.from({ length: end }, (_, at) => at + 1).filter((sequence) => !seen.has(sequence));
  return {
    records: seen.size,
    findings: [
      ...altered.map((sequence): AuditFinding => ({ writer, sequence, fault: 'altered' })),
      ...missing.map((sequence): AuditFinding => {
        const excused = !inOrder && sequence > end - UNDER_WAY;
        return { writer, sequence, fault: excused ? 'unsettled' : 'missing' };
      }),
      // A last word that the writer did not say.
      ...(closing && !inOrder ? [{ writer, sequence: last ?? 0, fault: 'altered' as const }] : []),
    ],
  };
}

async function* recordsOf(log: AuditLog, writer: string): AsyncIterable<AuditRecord> {
  let after = 0;
  for (;;) {
    const page = await log.recordsAfter(writer, after, PAGE);
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.sequence ?? after;
  }
}
