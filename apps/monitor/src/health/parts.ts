import { Deadline, NoResponders, type Bus } from '@latchkey/bus';
import { parseKeyId, SYSTEM_IDS, type SystemId } from '@latchkey/cenc';
import { Fault, sealingKey, signalingFor, type SignalingItem } from '@latchkey/messages';
import type { HealthCheck } from '@latchkey/runtime';

export type PartState = 'works' | 'fails' | 'absent';

export interface PartHealth {
  readonly name: string;
  readonly state: PartState;
  readonly ms?: number;
  /** In words for the ops team; nothing of the inside. */
  readonly detail?: string;
}

/** HTTP services to ask for their readiness, by name. */
export type ReadinessUrls = ReadonlyMap<string, string>;

const TIMEOUT_MS = 1_500;
/** However many look: the parts are asked this often. */
const FRESH_MS = 5_000;

/** Asks every part whether it works: over the bus those that answer there, by /readyz those with an HTTP door. */
export class Parts {
  private latest: { readonly at: number; readonly parts: Promise<PartHealth[]> } | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly own: readonly HealthCheck[],
    private readonly urls: ReadinessUrls,
  ) {}

  health(): Promise<PartHealth[]> {
    const now = Date.now();
    if (!this.latest || now - this.latest.at > FRESH_MS) this.latest = { at: now, parts: this.ask() };
    return this.latest.parts;
  }

  private ask(): Promise<PartHealth[]> {
    const call = () => ({ deadline: Deadline.in(TIMEOUT_MS) });
    return Promise.all([
      ...this.own.map((check) => probe(check.name, async () => check.check())),
      ...[...this.urls].map(([name, url]) => probe(name, () => isReady(url))),
      probe('key-service', async () => Boolean(await this.bus.ask(sealingKey, {}, call()))),
      ...Object.entries(PROBES).map(([name, { systemId, wants }]) =>
        probe(`signaling-${name}`, async () =>
          Boolean(await this.bus.ask(signalingFor(systemId), signalingProbe(systemId, wants), call())),
        ),
      ),
    ]);
  }
}

/** One system for each signaling service, and the cheapest thing it can be asked. */
const PROBES: Readonly<Record<string, { systemId: SystemId; wants: SignalingItem[] }>> = {
  widevine: { systemId: SYSTEM_IDS.widevine, wants: ['pssh'] },
  playready: { systemId: SYSTEM_IDS.playready, wants: ['pssh'] },
  fairplay: { systemId: SYSTEM_IDS.fairplay, wants: [] },
  clearkey: { systemId: SYSTEM_IDS.common, wants: ['pssh'] },
};

function signalingProbe(systemId: SystemId, wants: SignalingItem[]) {
  const keyId = parseKeyId('00000000-0000-4000-8000-000000000000');
  const key = { keyId, scheme: 'cbcs' as const, explicitIv: Buffer.alloc(16).toString('base64'), wants };
  return { tenant: 'default', contentId: 'health-probe', systemId, spekeVersion: '2.0' as const, keys: [key] };
}

async function probe(name: string, ask: () => Promise<boolean>): Promise<PartHealth> {
  const from = performance.now();
  try {
    const good = await ask();
    const ms = Math.round((performance.now() - from) * 10) / 10;
    return good ? { name, state: 'works', ms } : { name, state: 'fails', ms, detail: 'says that it is not ready' };
  } catch (error) {
    return { name, ...stateOf(error) };
  }
}

function stateOf(error: unknown): Omit<PartHealth, 'name'> {
  if (error instanceof NoResponders) return { state: 'absent', detail: 'nobody answers' };
  if (!(error instanceof Fault)) return { state: 'fails', detail: 'cannot be reached' };
  // Whoever refuses the question is there to refuse it.
  if (!error.retryable && error.code !== 'INTERNAL') return { state: 'works' };
  return { state: 'fails', detail: error.code };
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
  await answer.body?.cancel();
  return answer.ok;
}
