import { createHash } from 'node:crypto';
import { keyRevoked, rotationLate, rotationMissed, rotationRecovered } from '@latchkey/messages';
import type { Witness } from '../event-intake';
import type { LedgerEvent } from '../ledger/ledger-record';
import { periodAsked } from './period-asked';
import type { KeptRecords } from '../store/kept-records';
import {
  advance,
  arrival,
  cadenceOf,
  DEFAULT_TOLERANCE,
  outlook,
  type RotationOutlook,
  type Tolerance,
  type WatchedContent,
} from './watched-content';

export type RotationEventContract = typeof rotationMissed | typeof rotationLate | typeof rotationRecovered;

export interface RotationStatement {
  /** Made of what is stated, so that stating it again, after a restart or from a second monitor, is one event. */
  readonly id: string;
  readonly time: Date;
  readonly content: WatchedContent;
  readonly cadenceMs: number;
  readonly dueAt: Date;
}

export interface RotationRow extends RotationOutlook {
  readonly content: WatchedContent;
}

export interface WatchOptions {
  readonly tolerance?: Tolerance;
  /** Contents watched at most; beyond, the one that was quiet for longest is let go. */
  readonly maxContents?: number;
  /** Quiet for longer (and for more than three cadences): ended. */
  readonly endedAfterMs?: number;
}

type State = (contract: RotationEventContract, statement: RotationStatement) => Promise<void>;

/**
 * Who rotates keys, how often, and who should have by now. An encryptor that gets no key goes on with its last one and
 * tells nobody: this is what tells.
 */
export class RotationWatch implements Witness {
  private readonly contents = new Map<string, WatchedContent>();
  private readonly tolerance: Tolerance;
  private readonly maxContents: number;
  private readonly endedAfterMs: number;
  /** Counts up with every change, for those who show the board. */
  revision = 0;

  constructor(
    private readonly store: KeptRecords<WatchedContent>,
    private readonly state: State,
    options: WatchOptions = {},
  ) {
    this.tolerance = options.tolerance ?? DEFAULT_TOLERANCE;
    this.maxContents = options.maxContents ?? 50_000;
    this.endedAfterMs = options.endedAfterMs ?? 86_400_000;
  }

  async load(): Promise<void> {
    for await (const content of this.store.load()) this.keep(content);
  }

  async heard(event: LedgerEvent): Promise<void> {
    if (event.type === keyRevoked.type && event.data['wholeContent'] === true) return this.forgetContent(event);
    const asked = periodAsked(event);
    if (!asked) return;
    const before = this.contents.get(nameOf(asked));
    const after = advance(before, asked);
    if (after === before) return;
    this.keep(after);
    const how = arrival(before, after, this.tolerance);
    // Stated before it is stored: after a crash in between, the event is delivered and stated again, as one.
    if (before && how)
      await this.say(how === 'late' ? rotationLate : rotationRecovered, before, new Date(after.lastAt));
    await this.store.put(keyOf(after), this.contents.get(nameOf(after)) ?? after);
  }

  /** States what is overdue at `now`. Only to be called when all that happened before has been heard. */
  async check(now: number): Promise<void> {
    // A copy: what is kept anew moves to the end of the map.
    for (const content of Array.from(this.contents.values())) {
      if (isOver(content, now, this.endedAfterMs)) await this.forget(content.tenant, content.contentId);
      else if (!content.missed && outlook(content, now, this.tolerance).state === 'missed')
        await this.miss(content, now);
    }
  }

  private async miss(content: WatchedContent, now: number): Promise<void> {
    // A second monitor may have heard what this one did not.
    const stored = await this.store.get(keyOf(content));
    if (stored && (stored.lastAt > content.lastAt || stored.missed)) return this.keep(stored);
    await this.say(rotationMissed, content, new Date(now));
    // What has come meanwhile counts more.
    if (this.contents.get(nameOf(content)) !== content) return;
    const missed = { ...content, missed: true };
    this.keep(missed);
    await this.store.put(keyOf(missed), missed);
  }

  private async say(contract: RotationEventContract, content: WatchedContent, time: Date): Promise<void> {
    const cadenceMs = cadenceOf(content) ?? 0;
    const about = [contract.type, content.tenant, content.contentId, content.position, content.lastAt];
    const id = createHash('sha256').update(JSON.stringify(about)).digest('hex').slice(0, 32);
    await this.state(contract, { id, time, content, cadenceMs, dueAt: new Date(content.lastAt + cadenceMs) });
  }

  /** The most overdue first; those still being learned last. */
  board(now: number): RotationRow[] {
    const rows = [...this.contents.values()].map((content) => ({ content, ...outlook(content, now, this.tolerance) }));
    return rows.sort((a, b) => (a.dueAt ?? Infinity) - (b.dueAt ?? Infinity));
  }

  missedByTenant(): Map<string, number> {
    const missed = new Map<string, number>();
    for (const content of this.contents.values()) {
      if (content.missed) missed.set(content.tenant, (missed.get(content.tenant) ?? 0) + 1);
    }
    return missed;
  }

  async forget(tenant: string, contentId: string): Promise<void> {
    if (this.contents.delete(nameOf({ tenant, contentId }))) this.revision++;
    await this.store.delete([tenant, contentId]);
  }

  private async forgetContent({ data: { tenant, contentId } }: LedgerEvent): Promise<void> {
    if (tenant !== undefined && contentId !== undefined) await this.forget(tenant, contentId);
  }

  /** Last in the map is last heard of: the first is the one to let go. */
  private keep(content: WatchedContent): void {
    const name = nameOf(content);
    this.contents.delete(name);
    this.contents.set(name, content);
    this.revision++;
    if (this.contents.size <= this.maxContents) return;
    const quietest = this.contents.values().next().value as WatchedContent;
    this.contents.delete(nameOf(quietest));
    void this.store.delete(keyOf(quietest)).catch(() => undefined);
  }
}

function isOver(content: WatchedContent, now: number, endedAfterMs: number): boolean {
  return now - content.lastAt > Math.max(endedAfterMs, 3 * (cadenceOf(content) ?? 0));
}

/** No tenant has a slash in its name. */
function nameOf({ tenant, contentId }: { tenant: string; contentId: string }): string {
  return `${tenant}/${contentId}`;
}

function keyOf({ tenant, contentId }: { tenant: string; contentId: string }) {
  return [tenant, contentId] as const;
}
