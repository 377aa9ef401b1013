import type { Deadline } from '@latchkey/bus';
import { Fault } from '@latchkey/messages';
import { instruments, type Logger } from '@latchkey/runtime';
import type { AuditLog, AuditRecord } from './audit-log';
import type { AuditRelay } from './audit-relay';
import type { AuditedEvent, AuditTrail, Said } from './audit-trail';
import { countKeys } from './count-keys';

/**
 * Record first, then act: `with` makes records and hands them to whoever writes them with something else; `append` writes
 * them alone. Either way they are on their way to the bus when it resolves, and if it throws, their numbers are settled.
 */
export class AuditWriter {
  constructor(
    private readonly log: AuditLog,
    private readonly trail: AuditTrail,
    private readonly relay: AuditRelay,
    private readonly logger: Logger,
    /** Answer although the record could not be written. For those who would rather lose the record than the stream. */
    private readonly failOpen: boolean,
  ) {}

  /** Call it before `record`. Throws Fault UNAVAILABLE. */
  open(deadline: Deadline): Promise<void> {
    return this.trail.open(deadline);
  }

  record<Event extends AuditedEvent>(event: Event, subject: string, said: Said<Event>): AuditRecord {
    return this.trail.record(event, subject, said);
  }

  /** Throws Fault UNAVAILABLE, DEADLINE_EXCEEDED: then nothing may leave. */
  async append(records: readonly AuditRecord[], deadline: Deadline): Promise<void> {
    if (records.length === 0) return;
    try {
      await this.writeWith(records, () => this.log.append(records, deadline).then(() => true));
    } catch (err) {
      if (!this.failOpen) throw err;
      this.logger.error(
        { err, lost: records.length },
        'AUDIT_FAIL_OPEN: keys leave although their audit record was not written',
      );
    }
  }

  /** Writes records together with something else; `write` says whether they were written. */
  async writeWith(records: readonly AuditRecord[], write: () => Promise<boolean>): Promise<boolean> {
    try {
      const written = await write();
      if (written) {
        countKeys(records);
        this.relay.written(records);
      } else {
        this.relay.givenUp(records);
      }
      return written;
    } catch (error) {
      if (!(error instanceof Fault) || error.retryable) instruments.auditFailures.add(records.length, {});
      this.relay.givenUp(records);
      throw error instanceof Fault ? error : new Fault('UNAVAILABLE', 'the audit cannot be written', { cause: error });
    }
  }
}
