import type { TenantDirectory } from '@latchkey/tenants';
import { Module, type DynamicModule } from '@nestjs/common';
import { FairplayController, TENANTS } from './fairplay.controller';

@Module({})
export class FairplayModule {
  static with(tenants: TenantDirectory): DynamicModule {
    return {
      module: FairplayModule,
      controllers: [FairplayController],
      providers: [{ provide: TENANTS, useValue: tenants }],
    };
  }
}
