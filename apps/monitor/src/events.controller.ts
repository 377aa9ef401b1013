import { Hears, type Told } from '@latchkey/bus';
import { Controller } from '@nestjs/common';
import { EventIntake } from './event-intake';

@Controller()
export class EventsController {
  constructor(private readonly intake: EventIntake) {}

  /** Many at once, so that they can share a commit: the ledger's order is that of its chain, not of arrival. */
  @Hears({ subject: 'event.>' }, { durable: 'monitor', inFlight: 512 })
  async hear(event: unknown, { text }: Told): Promise<void> {
    await this.intake.take(event, text);
  }
}
