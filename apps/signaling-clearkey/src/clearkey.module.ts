import type { SystemId } from '@latchkey/cenc';
import type { TenantDirectory } from '@latchkey/tenants';
import { Module, type DynamicModule } from '@nestjs/common';
import { controllerFor, DELIVERY_BASE_URL, TENANTS } from './clearkey.controller';

@Module({})
export class ClearkeyModule {
  static answering(
    systems: readonly SystemId[],
    parts: { tenants: TenantDirectory; deliveryBaseUrl: string },
  ): DynamicModule {
    return {
      module: ClearkeyModule,
      controllers: systems.map(controllerFor),
      providers: [
        { provide: TENANTS, useValue: parts.tenants },
        { provide: DELIVERY_BASE_URL, useValue: parts.deliveryBaseUrl },
      ],
    };
  }
}
