import { Answers, type Call } from '@latchkey/bus';
import {
  issueKeys,
  releaseKeys,
  type IssueReply,
  type IssueRequest,
  type ReleaseReply,
  type ReleaseRequest,
} from '@latchkey/messages';
import { Controller } from '@nestjs/common';
import { KeyIssuer } from './issuing/key-issuer';
import { KeyReleaser } from './releasing/key-releaser';

@Controller()
export class ContentKeysController {
  constructor(
    private readonly issuer: KeyIssuer,
    private readonly releaser: KeyReleaser,
  ) {}

  @Answers(issueKeys)
  issue(request: IssueRequest, call: Call): Promise<IssueReply> {
    return this.issuer.issue(request, call);
  }

  @Answers(releaseKeys)
  release(request: ReleaseRequest, call: Call): Promise<ReleaseReply> {
    return this.releaser.release(request, call);
  }
}
