import { Hears } from '@latchkey/bus';
import { Controller } from '@nestjs/common';
import { EventIntake } from './event-intake';
import type { LedgerEvent } from './ledger/ledger-record';

@Controller()
export class EventsController {
  constructor(private readonly intake: EventIntake) {}

  /** Many at once, so that they can share a commit: the ledger's order is that of its chain, not of arrival. */
  @Hears({ subject: 'event.>' }, { durable: 'monitor', inFlight: 128 })
  async hear(event: LedgerEvent): Promise<void> {
    await this.intake.take(event);
  }
}
