import { Answers, type Call } from '@latchkey/bus';
import { describeContent, importKeys, recordRefusal, revokeKeys, sealingKey, shredContent } from '@latchkey/messages';
import { Controller } from '@nestjs/common';
import { AuditWriter } from './audit/audit-writer';
import { keepRefusal, type RefusalRequest } from './audit/refusals';
import { ContentDescriber, type DescribeReply, type DescribeRequest } from './describing/content-describer';
import { ImportSealing } from './importing/import-sealing';
import { KeyImporter, type ImportReply, type ImportRequest } from './importing/key-importer';
import {
  KeyRevoker,
  type RevokeReply,
  type RevokeRequest,
  type ShredReply,
  type ShredRequest,
} from './revoking/key-revoker';

/** What operators and the doors ask for. */
@Controller()
export class ManagementController {
  constructor(
    private readonly importer: KeyImporter,
    private readonly importSealing: ImportSealing,
    private readonly revoker: KeyRevoker,
    private readonly describer: ContentDescriber,
    private readonly audit: AuditWriter,
  ) {}

  @Answers(importKeys)
  import(request: ImportRequest, call: Call): Promise<ImportReply> {
    return this.importer.import(request, call);
  }

  @Answers(sealingKey)
  async sealingKey(_: object, { deadline }: Call): Promise<{ publicKey: string }> {
    return { publicKey: await this.importSealing.publicKey(deadline) };
  }

  @Answers(revokeKeys)
  revoke(request: RevokeRequest, call: Call): Promise<RevokeReply> {
    return this.revoker.revoke(request, call);
  }

  @Answers(shredContent)
  shred(request: ShredRequest, call: Call): Promise<ShredReply> {
    return this.revoker.shred(request, call);
  }

  @Answers(describeContent)
  describe(request: DescribeRequest, call: Call): Promise<DescribeReply> {
    return this.describer.describe(request, call);
  }

  @Answers(recordRefusal)
  async refuse(request: RefusalRequest, call: Call): Promise<Record<string, never>> {
    await keepRefusal(this.audit, request, call);
    return {};
  }
}
