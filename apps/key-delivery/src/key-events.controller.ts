import { Hears } from '@latchkey/bus';
import { SYSTEM_IDS, type SystemId } from '@latchkey/cenc';
import { keyIssued, keyRevoked } from '@latchkey/messages';
import { Controller } from '@nestjs/common';
import type { z } from 'zod';
import { HeldKeys } from './held-keys';
import { KeyReleases } from './key-releases';
import { KeyWarming } from './key-warming';

/** Systems whose players get the key itself, and get it here. */
const CLEAR_SYSTEMS: ReadonlySet<SystemId> = new Set([
  SYSTEM_IDS.clearKey,
  SYSTEM_IDS.clearKeyAes128,
  SYSTEM_IDS.clearKeySampleAes,
  SYSTEM_IDS.hlsAes128,
]);

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
    const { tenant, contentId, keys, systems } = data;
    for (const { keyId } of keys) this.releases.appeared({ tenant, contentId, keyId });
    if (!systems.some((system) => CLEAR_SYSTEMS.has(system))) return;
    this.warming.warm(
      { tenant, contentId },
      keys.map(({ keyId }) => keyId),
    );
  }

  @Hears(keyRevoked)
  async revoked({ data }: z.output<typeof keyRevoked.payload>): Promise<void> {
    const { tenant, contentId, keyIds, wholeContent } = data;
    const content = { tenant, contentId };
    this.releases.revoked(content, wholeContent ? undefined : keyIds);
    if (wholeContent) this.held.forgetContent(content);
    else for (const keyId of keyIds) this.held.forget({ ...content, keyId });
  }
}
