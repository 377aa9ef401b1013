import { Hears } from '@latchkey/bus';
import { SYSTEM_IDS, type SystemId } from '@latchkey/cenc';
import { keyIssued, keyRevoked } from '@latchkey/messages';
import { Controller } from '@nestjs/common';
import type { z } from 'zod';
import { HeldKeys } from './held-keys';
import { keyName } from './key-name';
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
    const names = data.keys.map(({ keyId }) => keyName(data, keyId));
    for (const name of names) this.releases.appeared(name);
    if (data.systems.some((system) => CLEAR_SYSTEMS.has(system))) this.warming.warm(data, names);
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
