import { Module, type DynamicModule } from '@nestjs/common';
import { CopyProtection } from './copy-protection';
import { copyProtectionController } from './copy-protection.controller';
import { HeartbeatController } from './heartbeat.controller';

/** Everything that the gateway answers. */
@Module({})
export class GatewayModule {
  static of(parts: { copyProtection: CopyProtection; paths: readonly string[] }): DynamicModule {
    return {
      module: GatewayModule,
      controllers: [copyProtectionController(parts.paths), HeartbeatController],
      providers: [{ provide: CopyProtection, useValue: parts.copyProtection }],
    };
  }
}
