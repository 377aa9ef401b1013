import { Module, type DynamicModule } from '@nestjs/common';
import { EventIntake } from './event-intake';
import { EventsController } from './events.controller';

/** What the monitor hears on the bus. */
@Module({})
export class MonitorEventsModule {
  static of(intake: EventIntake): DynamicModule {
    return {
      module: MonitorEventsModule,
      controllers: [EventsController],
      providers: [{ provide: EventIntake, useValue: intake }],
    };
  }
}

/** What the monitor answers over HTTP. */
@Module({})
export class ConsoleModule {
  static of(): DynamicModule {
    return { module: ConsoleModule };
  }
}
