import type { Bus } from '@latchkey/bus';
import { Module, type DynamicModule } from '@nestjs/common';
import { ConsoleAccess } from './access/console-access';
import { Bridges } from './bridges/bridges';
import { ConsoleLinks } from './console/console-links';
import { BridgesController } from './console/bridges.controller';
import { BUS, ContentsController } from './console/contents.controller';
import { InspectorController } from './console/inspector.controller';
import { LedgerController } from './console/ledger.controller';
import { LookingController } from './console/looking.controller';
import { EventIntake } from './event-intake';
import { EventsController } from './events.controller';
import { Instances } from './health/instances';
import { Parts } from './health/parts';
import { Ledger } from './ledger/ledger';
import { LiveStreams } from './live/server-sent-events';
import { Overview } from './overview/overview';
import { RotationWatch } from './rotation/rotation-watch';

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

export interface ConsoleParts {
  readonly bus: Bus;
  readonly access: ConsoleAccess;
  readonly ledger: Ledger;
  readonly overview: Overview;
  readonly rotation: RotationWatch;
  readonly streams: LiveStreams;
  readonly parts: Parts;
  readonly instances: Instances;
  readonly bridges: Bridges;
  readonly links: ConsoleLinks;
}

/** What the monitor answers over HTTP. */
@Module({})
export class ConsoleModule {
  static of(parts: ConsoleParts): DynamicModule {
    return {
      module: ConsoleModule,
      controllers: [LookingController, ContentsController, LedgerController, InspectorController, BridgesController],
      providers: [
        { provide: BUS, useValue: parts.bus },
        { provide: ConsoleAccess, useValue: parts.access },
        { provide: Ledger, useValue: parts.ledger },
        { provide: Overview, useValue: parts.overview },
        { provide: RotationWatch, useValue: parts.rotation },
        { provide: LiveStreams, useValue: parts.streams },
        { provide: Parts, useValue: parts.parts },
        { provide: Instances, useValue: parts.instances },
        { provide: Bridges, useValue: parts.bridges },
        { provide: ConsoleLinks, useValue: parts.links },
      ],
    };
  }
}
