import { hashOf, NO_RECORD, readEntry, type ChainHead, type LedgerRecord } from './ledger-record';
import type { LedgerStore } from './ledger-store';

export interface BrokenLink {
  readonly chain: string;
  readonly index: number;
  readonly why: 'missing' | 'altered' | 'does not follow the one before' | 'not an entry';
}

/** Sequence numbers that a writer used and no chain has, or that two records have. */
export interface WriterGap {
  readonly writer: string;
  readonly from: number;
  readonly to: number;
  readonly why: 'missing' | 'twice';
}

export interface Verification {
  readonly chains: readonly { readonly chain: string; readonly records: number; readonly head: ChainHead }[];
  /** In the order of the chain, the first broken link first; at most LIMIT for each chain. */
  readonly broken: readonly BrokenLink[];
  readonly gaps: readonly WriterGap[];
}

/**
 * Follows every chain from its first record. A chain proves its inside; that its end was not cut off together with its
 * head is proved by an `anchor`: a head that was noted down outside before.
 */
export async function verifyLedger(store: LedgerStore, options: VerifyOptions = {}): Promise<Verification> {
  const anchors = options.anchors ?? new Map<string, ChainHead>();
  const sequences = new Map<string, number[]>();
  const heads = await headsToVerify(store, anchors, options.chains);
  const chains: { chain: string; records: number; head: ChainHead }[] = [];
  const broken: BrokenLink[] = [];
  for (const [chain, head] of heads) {
    const found = await verifyChain(store, chain, head, anchors.get(chain), sequences);
    broken.push(...found.broken);
    chains.push({ chain, records: found.records, head });
  }
  return { chains, broken, gaps: options.chains ? [] : gapsOf(sequences) };
}

export interface VerifyOptions {
  readonly anchors?: ReadonlyMap<string, ChainHead>;
  /** Absent: all. A writer's gap is only seen if all chains that it writes to are. */
  readonly chains?: readonly string[] | undefined;
}

const LIMIT = 100;

async function headsToVerify(
  store: LedgerStore,
  anchors: ReadonlyMap<string, ChainHead>,
  chains: readonly string[] | undefined,
): Promise<Map<string, ChainHead>> {
  const heads = await store.chains();
  for (const chain of anchors.keys()) if (!heads.has(chain)) heads.set(chain, NO_RECORD);
  const chosen = [...heads].filter(([chain]) => chains === undefined || chains.includes(chain));
  return new Map(chosen.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function verifyChain(
  store: LedgerStore,
  chain: string,
  head: ChainHead,
  anchor: ChainHead | undefined,
  sequences: Map<string, number[]>,
) {
  const broken: BrokenLink[] = [];
  const report = (index: number, why: BrokenLink['why']) => {
    if (broken.length < LIMIT) broken.push({ chain, index, why });
  };
  let last = NO_RECORD;
  let records = 0;
  for await (const record of store.walk(chain)) {
    for (let index = last.index + 1; index < record.index && broken.length < LIMIT; index++) report(index, 'missing');
    const why = faultOf(record, last);
    if (why) report(record.index, why);
    if (anchor?.index === record.index && anchor.hash !== record.hash) report(record.index, 'altered');
    if (!why) noteSequence(record, sequences);
    last = record;
    records += 1;
  }
  const end = Math.max(head.index, anchor?.index ?? 0);
  for (let index = last.index + 1; index <= end && broken.length < LIMIT; index++) report(index, 'missing');
  if (last.index === head.index && last.hash !== head.hash && broken.length === 0) report(last.index, 'altered');
  return { broken, records };
}

function faultOf(record: LedgerRecord, last: ChainHead): BrokenLink['why'] | undefined {
  if (hashOf(record) !== record.hash) return 'altered';
  // Behind a hole the link cannot be checked: the hole itself has been named.
  if (record.index === last.index + 1 && record.previous !== last.hash) return 'does not follow the one before';
  return isEntry(record) ? undefined : 'not an entry';
}

function isEntry(record: LedgerRecord): boolean {
  try {
    return readEntry(record) !== undefined;
  } catch {
    return false;
  }
}

function noteSequence(record: LedgerRecord, sequences: Map<string, number[]>): void {
  const { writer, sequence } = readEntry(record).event.data;
  if (writer === undefined || sequence === undefined) return;
  const seen = sequences.get(writer);
  if (seen) seen.push(sequence);
  else sequences.set(writer, [sequence]);
}

function gapsOf(sequences: Map<string, number[]>): WriterGap[] {
  return [...sequences].flatMap(([writer, seen]) => {
    const sorted = Float64Array.from(seen).sort();
    const gaps: WriterGap[] = [];
    for (let at = 1; at < sorted.length; at++) {
      const [before, here] = [sorted[at - 1] as number, sorted[at] as number];
      if (here === before) gaps.push({ writer, from: here, to: here, why: 'twice' });
      if (here > before + 1) gaps.push({ writer, from: before + 1, to: here - 1, why: 'missing' });
    }
    return gaps;
  });
}
