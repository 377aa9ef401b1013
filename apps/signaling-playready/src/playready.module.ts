import type { TenantDirectory } from '@latchkey/tenants';
import { Module, type DynamicModule } from '@nestjs/common';
import { PlayreadyController, TENANTS } from './playready.controller';

@Module({})
export class PlayreadyModule {
  static with(tenants: TenantDirectory): DynamicModule {
    return {
      module: PlayreadyModule,
      controllers: [PlayreadyController],
      providers: [{ provide: TENANTS, useValue: tenants }],
    };
  }
}
