import { Module, type DynamicModule } from '@nestjs/common';
import { ContentDocuments } from './content-documents';
import { ContentDocumentsController } from './content-documents.controller';
import { CopyProtection } from './copy-protection';
import { copyProtectionController } from './copy-protection.controller';
import { HeartbeatController } from './heartbeat.controller';

/** Everything that the gateway answers. */
@Module({})
export class GatewayModule {
  static of(parts: {
    copyProtection: CopyProtection;
    documents: ContentDocuments;
    paths: readonly string[];
  }): DynamicModule {
    return {
      module: GatewayModule,
      controllers: [copyProtectionController(parts.paths), ContentDocumentsController, HeartbeatController],
      providers: [
        { provide: CopyProtection, useValue: parts.copyProtection },
        { provide: ContentDocuments, useValue: parts.documents },
      ],
    };
  }
}
