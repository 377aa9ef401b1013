import { Module, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { DeliveryRules } from './delivery-rules';
import { routeDeliveries } from './delivery-routes';
import { HeldKeys } from './held-keys';
import { KeyDesk } from './key-desk';
import { KeyEventsController } from './key-events.controller';
import { KeyReleases } from './key-releases';
import { KeyWarming } from './key-warming';

/** What key-delivery answers over HTTP: players. */
@Module({})
export class PlayersModule implements OnModuleInit {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly rules: DeliveryRules,
    private readonly desk: KeyDesk,
  ) {}

  onModuleInit(): void {
    routeDeliveries(this.adapterHost.httpAdapter.getInstance<FastifyInstance>(), this.rules, this.desk);
  }

  static answering(rules: DeliveryRules, desk: KeyDesk): DynamicModule {
    return {
      module: PlayersModule,
      providers: [
        { provide: DeliveryRules, useValue: rules },
        { provide: KeyDesk, useValue: desk },
      ],
    };
  }
}

/** What key-delivery hears on the bus: keys made and revoked. */
@Module({})
export class KeyEventsModule {
  static hearing(held: HeldKeys, releases: KeyReleases, warming: KeyWarming): DynamicModule {
    return {
      module: KeyEventsModule,
      controllers: [KeyEventsController],
      providers: [
        { provide: HeldKeys, useValue: held },
        { provide: KeyReleases, useValue: releases },
        { provide: KeyWarming, useValue: warming },
      ],
    };
  }
}
