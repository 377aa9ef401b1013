import { Module, type DynamicModule } from '@nestjs/common';
import { ContentKeysController } from './content-keys.controller';
import { KeyIssuer } from './issuing/key-issuer';
import type { KeyServiceParts } from './key-service-parts';
import { KeyReleaser } from './releasing/key-releaser';

/** All that the key service answers. */
@Module({})
export class KeyServiceModule {
  static of({ issuer, releaser }: KeyServiceParts): DynamicModule {
    return {
      module: KeyServiceModule,
      controllers: [ContentKeysController],
      providers: [
        { provide: KeyIssuer, useValue: issuer },
        { provide: KeyReleaser, useValue: releaser },
      ],
    };
  }
}
