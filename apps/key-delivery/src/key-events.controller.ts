import { Hears } from '@latchkey/bus';
import { keyIssued, keyRevoked } from '@latchkey/messages';
import { Controller } from '@nestjs/common';
import type { z } from 'zod';
import { HeldKeys } from './held-keys';
import { keyName } from './key-name';
import { KeyReleases } from './key-releases';
import { KeyWarming } from './key-warming';

/** What happens to keys elsewhere and matters to those in memory here. Each process hears all of it. */
@Controller()
export class KeyEventsController {
  constructor(
    private readonly held: HeldKeys,
    private readonly releases: KeyReleases,
    private readonly warming: KeyWarming,
  ) {}

  @Hears(keyIssued)
  async issued({ data }: z.output<typeof keyIssued.payload>): Promise<void> {
    for (const { keyId } of data.keys) this.releases.appeared(keyName(data, keyId));
    const delivered = data.keys.filter(({ clearDelivery }) => clearDelivery);
    this.warming.warm(
      data,
      delivered.map(({ keyId }) => keyName(data, keyId)),
    );
  }

  @Hears(keyRevoked)
  async revoked({ data }: z.output<typeof keyRevoked.payload>): Promise<void> {
    const { tenant, contentId, keyIds, wholeContent } = data;
    const content = { tenant, contentId };
    this.releases.revoked(content, wholeContent ? undefined : keyIds);
    if (wholeContent) this.held.forgetContent(content);
    else for (const keyId of keyIds) this.held.forget(keyName(content, keyId));
  }
}
