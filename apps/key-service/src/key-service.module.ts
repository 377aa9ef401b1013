import { Module, type DynamicModule } from '@nestjs/common';
import { AuditWriter } from './audit/audit-writer';
import { ContentKeysController } from './content-keys.controller';
import { ContentDescriber } from './describing/content-describer';
import { DocumentShelf } from './documents/document-shelf';
import { DocumentsController } from './documents.controller';
import { ImportSealing } from './importing/import-sealing';
import { KeyImporter } from './importing/key-importer';
import { KeyIssuer } from './issuing/key-issuer';
import type { KeyServiceParts } from './key-service-parts';
import { ManagementController } from './management.controller';
import { KeyReleaser } from './releasing/key-releaser';
import { KeyRevoker } from './revoking/key-revoker';

/** All that the key service answers. */
@Module({})
export class KeyServiceModule {
  static of(parts: KeyServiceParts): DynamicModule {
    return {
      module: KeyServiceModule,
      controllers: [ContentKeysController, ManagementController, DocumentsController],
      providers: [
        { provide: KeyIssuer, useValue: parts.issuer },
        { provide: KeyReleaser, useValue: parts.releaser },
        { provide: KeyImporter, useValue: parts.importer },
        { provide: ImportSealing, useValue: parts.importSealing },
        { provide: KeyRevoker, useValue: parts.revoker },
        { provide: ContentDescriber, useValue: parts.describer },
        { provide: DocumentShelf, useValue: parts.shelf },
        { provide: AuditWriter, useValue: parts.audit },
      ],
    };
  }
}
