import type { TenantDirectory } from '@latchkey/tenants';
import { Module, type DynamicModule } from '@nestjs/common';
import { WidevineController, TENANTS } from './widevine.controller';

@Module({})
export class WidevineModule {
  static with(tenants: TenantDirectory): DynamicModule {
    return {
      module: WidevineModule,
      controllers: [WidevineController],
      providers: [{ provide: TENANTS, useValue: tenants }],
    };
  }
}
