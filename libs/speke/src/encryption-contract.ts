import type { KeyId } from '@latchkey/cenc';
import { attribute, membersOf, type XmlElement } from '@latchkey/cpix';
import type { ContentKeys } from './content-keys';
import type { Faults } from './faults';
import type { KeyPeriod } from './key-periods';
import { printable } from './rejection';
import type { RequestPolicy } from './parse-options';
import { cross, readFilters, reachesUhd, type TrackFilter } from './track-filters';

/** What the contract says of one key. */
export interface KeyUsage {
  readonly period: KeyPeriod | undefined;
  readonly intendedTrackType: string | undefined;
}

type Periods = ReadonlyMap<string, KeyPeriod>;

interface UsageRule {
  readonly element: XmlElement;
  readonly keyId: KeyId | undefined;
  readonly trackType: string;
  /** IDs of the periods in which it holds; none: in all. */
  readonly periodIds: ReadonlySet<string>;
  readonly filters: readonly TrackFilter[];
}

/** One key for all audio and video. */
const ALL = 'ALL';
/** More rules than keys and periods can need; they are compared in pairs. */
const MAX_RULES = 512;
/** What the bus and the store carry. */
const LONGEST_TRACK_TYPE = 256;

/** SPEKE 1: only the references are looked at, "all other rule settings are ignored". */
export function readUsageRules(
  list: XmlElement | undefined,
  _document: XmlElement,
  keys: ContentKeys,
  periods: Periods,
  _policy: RequestPolicy,
  faults: Faults,
): ReadonlyMap<KeyId, KeyUsage> {
  const elements = rulesOf(list, faults);
  const rules = elements.map((element) => ({
    element,
    keyId: readKeyId(element, keys, faults),
    trackType: '',
    periodIds: readPeriodIds(element, periods, faults),
    filters: [],
  }));
  return usageByKey(rules, keys, periods);
}

/** SPEKE 2's encryption contract (ContentKeyUsageRuleList), every rule of it. */
export function readEncryptionContract(
  list: XmlElement | undefined,
  document: XmlElement,
  keys: ContentKeys,
  periods: Periods,
  policy: RequestPolicy,
  faults: Faults,
): ReadonlyMap<KeyId, KeyUsage> {
  const rules = rulesOf(list, faults).map((element) => readRule(element, keys, periods, faults));
  if (rules.every(({ filters }) => filters.length === 0)) faults.add('MISSING_CONTRACT', list ?? document);
  else for (const rule of rules) checkCardinality(rule, faults);
  for (const rule of rules) checkTogether(rule, rules, faults);
  checkEveryKeyHasRule(rules, keys, list, faults);
  if (policy.refuseSharedUhdKey) refuseSharedUhd(rules, faults);
  return usageByKey(rules, keys, periods);
}

function rulesOf(list: XmlElement | undefined, faults: Faults): readonly XmlElement[] {
  const elements = membersOf(list, 'ContentKeyUsageRule');
  if (!list || elements.length <= MAX_RULES) return elements;
  faults.add('DOCUMENT_TOO_COMPLEX', list, { detail: `it has more than ${MAX_RULES} usage rules` });
  return [];
}

function readRule(element: XmlElement, keys: ContentKeys, periods: Periods, faults: Faults): UsageRule {
  return {
    element,
    keyId: readKeyId(element, keys, faults),
    trackType: readTrackType(element, faults),
    periodIds: readPeriodIds(element, periods, faults),
    filters: readFilters(element, faults),
  };
}

function readKeyId(element: XmlElement, keys: ContentKeys, faults: Faults): KeyId | undefined {
  const kid = attribute(element, 'kid') ?? '';
  const keyId = kid.toLowerCase() as KeyId;
  if (keys.byId.has(keyId)) return keyId;
  if (kid === '') faults.add('RULE_WITHOUT_KEY', element, { detail: 'a rule has no kid' });
  else if (!keys.names(kid))
    faults.add('RULE_WITHOUT_KEY', element, { attribute: 'kid', detail: `no ContentKey has kid ${printable(kid)}` });
  return undefined;
}

function readTrackType(element: XmlElement, faults: Faults): string {
  const trackType = attribute(element, 'intendedTrackType') ?? '';
  const detail = wrongWith(trackType);
  if (detail) faults.add('INVALID_TRACK_TYPE', element, { detail });
  return trackType;
}

function wrongWith(trackType: string): string | undefined {
  if (trackType === '') return 'a rule has no intendedTrackType';
  if (trackType.length > LONGEST_TRACK_TYPE) return 'intendedTrackType is too long';
  const hasEmptyPart = partsOf(trackType).some((part) => part.trim() === '');
  return hasEmptyPart ? 'a part of intendedTrackType is empty' : undefined;
}

function partsOf(trackType: string): string[] {
  return trackType.split('+');
}

function readPeriodIds(element: XmlElement, periods: Periods, faults: Faults): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const filter of membersOf(element, 'KeyPeriodFilter')) {
    const id = attribute(filter, 'periodId') ?? '';
    ids.add(id);
    if (!periods.has(id)) {
      const detail =
        id === '' ? 'a KeyPeriodFilter has no periodId' : `no ContentKeyPeriod has the id ${printable(id)}`;
      faults.add('UNKNOWN_PERIOD', filter, { detail });
    }
  }
  return ids;
}

/** "SD+HD1" is one range in two of AWS's presets: fewer filters than parts are fine, more are not. */
function checkCardinality({ element, trackType, filters }: UsageRule, faults: Faults): void {
  if (filters.length === 0) faults.add('RULE_WITHOUT_FILTER', element, { detail: 'a rule has no filter' });
  else if (trackType === ALL) checkAll(element, filters, faults);
  else if (filters.length > partsOf(trackType).length) {
    const detail = `${filters.length} filters for ${printable(trackType)}`;
    faults.add('TOO_MANY_FILTERS', element, { detail });
  }
}

function checkAll(element: XmlElement, filters: readonly TrackFilter[], faults: Faults): void {
  const bare = filters.filter(({ bounded }) => !bounded).map(({ medium }) => medium);
  if (filters.length === 2 && bare.includes('video') && bare.includes('audio')) return;
  faults.add('WRONG_ALL_RULE', element, { detail: 'ALL is one VideoFilter and one AudioFilter without attributes' });
}

/** A rule against those before it, as far as they hold in the same period. */
function checkTogether(rule: UsageRule, rules: readonly UsageRule[], faults: Faults): void {
  for (const other of rules) {
    if (other === rule) return;
    if (!sharePeriod(rule, other)) continue;
    if (rule.keyId !== undefined && rule.keyId === other.keyId) {
      faults.add('KEY_WITH_TWO_RULES', rule.element, { attribute: 'kid', detail: `${rule.keyId} has two rules` });
    }
    checkTrackTypes(rule, other, faults);
    if (rule.filters.some((filter) => other.filters.some((earlier) => cross(filter, earlier)))) {
      const detail = `the ranges of ${printable(other.trackType)} and ${printable(rule.trackType)} cross`;
      faults.add('CROSSING_RANGES', rule.element, { detail });
    }
  }
}

function checkTrackTypes(rule: UsageRule, other: UsageRule, faults: Faults): void {
  const { element, trackType } = rule;
  if (trackType !== '' && trackType === other.trackType) {
    const detail = `two rules have intendedTrackType ${printable(trackType)}`;
    faults.add('DUPLICATE_TRACK_TYPE', element, { attribute: 'intendedTrackType', detail });
  } else if (trackType === ALL || other.trackType === ALL) {
    faults.add('ALL_WITH_OTHERS', element, { attribute: 'intendedTrackType', detail: 'ALL stands beside other rules' });
  }
}

function sharePeriod(one: UsageRule, other: UsageRule): boolean {
  if (one.periodIds.size === 0 || other.periodIds.size === 0) return true;
  for (const id of one.periodIds) if (other.periodIds.has(id)) return true;
  return false;
}

function checkEveryKeyHasRule(
  rules: readonly UsageRule[],
  keys: ContentKeys,
  list: XmlElement | undefined,
  faults: Faults,
): void {
  if (!list || rules.length === 0) return; // the contract is missing, which says it all
  const ruled = new Set(rules.map(({ keyId }) => keyId));
  for (const keyId of keys.byId.keys()) {
    if (!ruled.has(keyId)) faults.add('KEY_WITHOUT_RULE', list, { detail: `${keyId} has no rule` });
  }
}

function refuseSharedUhd(rules: readonly UsageRule[], faults: Faults): void {
  const shared = rules.find(
    ({ filters }) => filters.some(reachesUhd) && filters.some(({ medium }) => medium === 'audio'),
  );
  if (shared) faults.add('CONTRACT_NOT_SUPPORTED', shared.element, { detail: 'one key for UHD video and audio' });
}

/** A key with a rule in each of several periods belongs to the first of them. */
function usageByKey(rules: readonly UsageRule[], keys: ContentKeys, periods: Periods): ReadonlyMap<KeyId, KeyUsage> {
  const usage = new Map<KeyId, KeyUsage>();
  for (const { keyId, trackType, periodIds } of rules) {
    if (keyId === undefined || usage.has(keyId)) continue;
    const period = periodOf(periodIds, periods);
    usage.set(keyId, { period, intendedTrackType: trackType === '' ? undefined : trackType });
  }
  const only = { period: periodOf(ALL_PERIODS, periods), intendedTrackType: undefined };
  for (const keyId of keys.byId.keys()) if (!usage.has(keyId)) usage.set(keyId, only);
  return usage;
}

const ALL_PERIODS: ReadonlySet<string> = new Set();

/** Without a filter the rule holds in all periods: where there is one, in that one. */
function periodOf(periodIds: ReadonlySet<string>, periods: Periods): KeyPeriod | undefined {
  const ids = periodIds.size > 0 || periods.size !== 1 ? periodIds : periods.keys();
  for (const id of ids) return periods.get(id);
  return undefined;
}
