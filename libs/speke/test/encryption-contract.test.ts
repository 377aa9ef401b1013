import { audio, contract, document, KIDS, list, period, rule, video } from './documents';
import { codes, parse } from './exchange';

const [A = '', B = '', C = ''] = KIDS;

/** SPEKE 2.0, encryption contract: the video presets and the audio presets of MediaPackage and MediaConvert. */
const RANGES: Record<string, string> = {
  VIDEO: video(),
  SD: video('maxPixels="589824"'),
  HD: video('minPixels="589825" maxPixels="2073600"'),
  // AWS's verification suite sends preset 3's HD so, with UHD inside of it.
  'HD without maximum': video('minPixels="589825"'),
  HD1: video('minPixels="589825" maxPixels="921600"'),
  HD2: video('minPixels="921601" maxPixels="2073600"'),
  'SD+HD1': video('maxPixels="921600"'),
  UHD: video('minPixels="2073601"'),
  UHD1: video('minPixels="2073601" maxPixels="8847360"'),
  UHD2: video('minPixels="8847361"'),
  AUDIO: audio(),
  STEREO_AUDIO: audio('maxChannels="2"'),
  MULTICHANNEL_AUDIO: audio('minChannels="3"'),
  MULTICHANNEL_AUDIO_3_6: audio('minChannels="3" maxChannels="6"'),
  MULTICHANNEL_AUDIO_7: audio('minChannels="7"'),
  ALL: `${video()}${audio()}`,
};
const VIDEO_PRESETS = [
  ['VIDEO'],
  ['SD', 'HD without maximum'],
  ['SD', 'HD', 'UHD'],
  ['SD', 'HD without maximum', 'UHD'],
  ['SD', 'HD', 'UHD1', 'UHD2'],
  ['SD', 'HD1', 'HD2', 'UHD1', 'UHD2'],
  ['SD', 'HD1', 'HD2', 'UHD'],
  ['SD+HD1', 'HD2', 'UHD'],
  ['SD+HD1', 'HD2', 'UHD1', 'UHD2'],
  [],
];
const AUDIO_PRESETS = [
  ['AUDIO'],
  ['STEREO_AUDIO', 'MULTICHANNEL_AUDIO'],
  ['STEREO_AUDIO', 'MULTICHANNEL_AUDIO_3_6', 'MULTICHANNEL_AUDIO_7'],
  [],
];
const presets = VIDEO_PRESETS.flatMap((videos) => AUDIO_PRESETS.map((audios) => [...videos, ...audios]))
  .filter((names) => names.length > 0)
  .concat([['ALL']]);

describe('all presets are taken', () => {
  test.each(presets.map((names) => [names.join(', ')]))('%s', (names) => {
    const trackTypes = names.split(', ');
    const kids = trackTypes.map((_, at) => `${String(at).repeat(8)}-0000-4000-8000-000000000000`);
    const rules = trackTypes.map((name, at) =>
      rule(kids[at] as string, name.split(' ')[0] as string, RANGES[name] as string),
    );
    const request = parse(document({ kids, usageRuleList: list('ContentKeyUsageRuleList', rules) }));
    expect(request.keys.map((key) => key.intendedTrackType)).toEqual(trackTypes.map((name) => name.split(' ')[0]));
  });
});

describe('rule 1: each ContentKey has its own ContentKeyUsageRule', () => {
  test('a key without a rule', () => {
    const usageRuleList = list('ContentKeyUsageRuleList', [rule(A, 'VIDEO', video())]);
    expect(codes(document({ usageRuleList }))).toEqual(['KEY_WITHOUT_RULE']);
  });
  test('two rules for one key', () => {
    const usageRuleList = list('ContentKeyUsageRuleList', [
      rule(A, 'SD', video()),
      rule(A, 'AUDIO', audio()),
      rule(B, 'X', audio()),
    ]);
    expect(codes(document({ usageRuleList }))).toEqual(['KEY_WITH_TWO_RULES']);
  });
  test('a rule without kid, or for a kid that is no key', () => {
    const rules = [rule('', 'VIDEO', video()), rule(C, 'AUDIO', audio())];
    expect(codes(contract(rules))).toEqual([
      'RULE_WITHOUT_KEY',
      'RULE_WITHOUT_KEY',
      'KEY_WITHOUT_RULE',
      'KEY_WITHOUT_RULE',
    ]);
  });
  test('the case of a kid does not matter', () => {
    const upper = 'ABCDEFAB-0000-4000-8000-00000000000a';
    const usageRuleList = list('ContentKeyUsageRuleList', [rule(upper.toLowerCase(), 'VIDEO', video())]);
    expect(parse(document({ kids: [upper], usageRuleList })).keys[0]?.intendedTrackType).toBe('VIDEO');
  });
});

describe('rule 2: intendedTrackType is unique', () => {
  test('twice in the contract', () => {
    expect(codes(contract([rule(A, 'SD', video()), rule(B, 'SD', video())]))).toEqual(['DUPLICATE_TRACK_TYPE']);
  });
  test('again in another key period', () => {
    const rules = [rule(A, 'SD', video(), 'p1'), rule(B, 'SD', video(), 'p2')];
    const request = parse(contract(rules, [period('p1', '7'), period('p2', '8')]));
    expect(request.keys.map((key) => key.period?.index)).toEqual([7, 8]);
  });
  test('a rule without period holds in all of them', () => {
    const rules = [rule(A, 'SD', video(), 'p1'), rule(B, 'SD', video())];
    expect(codes(contract(rules, [period('p1', '7')]))).toEqual(['DUPLICATE_TRACK_TYPE']);
  });
  test.each(['', '+', 'SD+', '+HD', 'SD++HD', ' ', 'x'.repeat(257)])('%j is no name', (trackType) => {
    expect(codes(contract([rule(A, trackType, video())]))).toContain('INVALID_TRACK_TYPE');
  });
});

describe('rule 3: ALL has one VideoFilter and one AudioFilter, without attributes', () => {
  test('it is taken so, in either order', () => {
    expect(parse(contract([rule(A, 'ALL', `${audio()}${video()}`)])).keys[0]?.intendedTrackType).toBe('ALL');
  });
  test.each([
    video(),
    audio(),
    `${video()}${video()}`,
    `${video()}${audio()}${audio()}`,
    `${video('maxPixels="1"')}${audio()}`,
    `${video()}${audio('minChannels="1"')}`,
    `${video('hdr="false"')}${audio()}`,
  ])('%s', (filters) => {
    expect(codes(contract([rule(A, 'ALL', filters)]))).toEqual(['WRONG_ALL_RULE']);
  });
  test('beside other rules', () => {
    expect(codes(contract([rule(A, 'ALL', `${video()}${audio()}`), rule(B, 'SD', video())]))).toEqual([
      'ALL_WITH_OTHERS',
    ]);
  });
  test('in each of two periods', () => {
    const all = `${video()}${audio()}`;
    const rules = [rule(A, 'ALL', all, 'p1'), rule(B, 'ALL', all, 'p2')];
    expect(parse(contract(rules, [period('p1', '1'), period('p2', '2')])).keys).toHaveLength(2);
  });
});

describe('rule 4: no more filters than parts of intendedTrackType', () => {
  test.each([
    ['SD+HD', `${video('maxPixels="589824"')}${video('minPixels="589825" maxPixels="2073600"')}`],
    ['HDR+HFR+UHD', `${video('hdr="true"')}${video('minFps="31"')}${video('minPixels="2073601"')}`],
    // The name of one range in two presets.
    ['SD+HD1', video('maxPixels="921600"')],
  ])('%s is taken', (trackType, filters) => {
    expect(parse(contract([rule(A, trackType, filters)])).keys[0]?.intendedTrackType).toBe(trackType);
  });
  test('two filters for one name', () => {
    expect(codes(contract([rule(A, 'SD', `${video('maxPixels="1"')}${video('minPixels="2"')}`)]))).toEqual([
      'TOO_MANY_FILTERS',
    ]);
  });
  test('a rule without filter while others have one', () => {
    expect(codes(contract([rule(A, 'SD', ''), rule(B, 'AUDIO', audio())]))).toEqual(['RULE_WITHOUT_FILTER']);
  });
});

describe('rule 5: VideoFilter, AudioFilter and KeyPeriodFilter with SPEKE’s attributes', () => {
  test.each([
    '<cpix:LabelFilter label="x"/>',
    '<cpix:OtherFilter/>',
    video('minBitrate="1"'),
    audio('minPixels="1"'),
    video('minChannels="1"'),
  ])('%s', (filter) => {
    const filters = filter.includes('VideoFilter') || filter.includes('AudioFilter') ? filter : `${video()}${filter}`;
    expect(codes(contract([rule(A, 'X', filters)]))).toEqual(['UNSUPPORTED_FILTER']);
  });
  test('BitrateFilter and wcg, which SPEKE ignores, are taken', () => {
    const filters = `${video('wcg="true"')}<cpix:BitrateFilter minBitrate="1"/>`;
    expect(parse(contract([rule(A, 'X', filters)])).keys).toHaveLength(1);
  });
  test.each([
    'minPixels="-1"',
    'minPixels="1e3"',
    'minPixels=""',
    'maxPixels="0x10"',
    'minFps="1.5"',
    'hdr="yes"',
    'hdr=""',
    'maxFps="٣"',
  ])('%s is no value', (attributes) => {
    expect(codes(contract([rule(A, 'X', video(attributes))]))).toEqual(['INVALID_FILTER_VALUE']);
  });
  test.each([
    'minPixels="+5"',
    'maxPixels=" 7 "',
    'maxPixels="9223372036854775807"',
    'hdr="1"',
    'minFps="30" maxFps="30"',
  ])('%s is one', (attributes) => {
    expect(parse(contract([rule(A, 'X', video(attributes))])).keys).toHaveLength(1);
  });
  test.each([
    video('minPixels="2" maxPixels="1"'),
    video('minFps="60" maxFps="30"'),
    audio('minChannels="6" maxChannels="2"'),
  ])('%s fits nothing', (filter) => {
    expect(codes(contract([rule(A, 'X', filter)]))).toEqual(['INVERTED_RANGE']);
  });
});

describe('rule 6: a contract without any filter is none', () => {
  test.each([
    ['no list', ''],
    ['an empty list', '<cpix:ContentKeyUsageRuleList/>'],
    ['rules without filters', list('ContentKeyUsageRuleList', [rule(A, 'VIDEO', ''), rule(B, 'AUDIO', '')])],
    [
      'filters of another kind',
      list('ContentKeyUsageRuleList', [rule(A, 'V', '<cpix:BitrateFilter/>'), rule(B, 'A', '')]),
    ],
  ])('%s', (_, usageRuleList) => {
    expect(codes(document({ usageRuleList }))).toEqual(['MISSING_CONTRACT']);
  });
});

describe('ranges of different rules', () => {
  test.each([
    ['share one number at the border', video('maxPixels="589824"'), video('minPixels="589824"')],
    ['cross', video('minPixels="1" maxPixels="10"'), video('minPixels="5" maxPixels="20"')],
    ['cross with equal frame rates', video('maxPixels="10" minFps="30"'), video('minPixels="10" minFps="30"')],
    ['of channels share one number', audio('maxChannels="6"'), audio('minChannels="6"')],
  ])('%s: refused', (_, one, other) => {
    expect(codes(contract([rule(A, 'X', one), rule(B, 'Y', other)]))).toEqual(['CROSSING_RANGES']);
  });
  test.each([
    ['touch without sharing a number', video('maxPixels="589824"'), video('minPixels="589825"')],
    ['lie one in the other: the last rule is the exception', video('minPixels="589825"'), video('minPixels="2073601"')],
    ['are the same', video('minPixels="5"'), video('minPixels="5"')],
    ['are of different media', video('maxPixels="5"'), audio('minChannels="1"')],
    ['are of different quantities', video('minPixels="5"'), video('minFps="31"')],
    ['share a frame rate that belongs to one only', video('maxFps="30"'), video('minFps="30"')],
    ['differ in hdr', video('maxPixels="10" hdr="true"'), video('minPixels="10" hdr="false"')],
  ])('%s: taken', (_, one, other) => {
    expect(parse(contract([rule(A, 'X', one), rule(B, 'Y', other)])).keys).toHaveLength(2);
  });
  test('cross in different periods: taken', () => {
    const rules = [rule(A, 'X', video('maxPixels="10"'), 'p1'), rule(B, 'Y', video('minPixels="10"'), 'p2')];
    expect(parse(contract(rules, [period('p1', '1'), period('p2', '2')])).keys).toHaveLength(2);
  });
});

describe('key periods', () => {
  test.each(['1.5', '1e3', '0x10', '4294967296', '-5', 'NaN', '', '٣', '1'.repeat(5_000)])(
    'index %s is none',
    (index) => {
      const rules = [rule(A, 'VIDEO', video(), 'p')];
      expect(codes(contract(rules, [period('p', index.slice(0, 5_000))]))).toEqual(['INVALID_PERIOD']);
    },
  );
  test.each([
    ['0', 0],
    ['+5', 5],
    ['4294967295', 4_294_967_295],
  ])('index %s is %d', (index, number) => {
    expect(parse(contract([rule(A, 'VIDEO', video(), 'p')], [period('p', index)])).keys[0]?.period).toEqual({
      index: number,
    });
  });
  test('a period that is not listed, and a filter without periodId', () => {
    expect(codes(contract([rule(A, 'VIDEO', video(), 'p')]))).toEqual(['UNKNOWN_PERIOD']);
    expect(codes(contract([rule(A, 'VIDEO', `<cpix:KeyPeriodFilter/>${video()}`)], [period('p', '1')]))).toEqual([
      'UNKNOWN_PERIOD',
    ]);
  });
  test('without id, with the id of another, without index', () => {
    const rules = [rule(A, 'VIDEO', video())];
    expect(codes(contract(rules, [period('', '1')]))).toEqual(['INVALID_PERIOD']);
    expect(codes(contract(rules, [period('p', '1'), period('p', '2')]))).toEqual(['INVALID_PERIOD']);
    expect(codes(contract(rules, ['<cpix:ContentKeyPeriod id="p"/>']))).toEqual(['INVALID_PERIOD']);
  });
  test('times are kept as written', () => {
    const times =
      'start="2026-01-01T00:00:00+01:00" end="2026-01-01T01:00:00.5Z" startOffset="PT0S" endOffset="P1DT2H"';
    expect(parse(contract([rule(A, 'VIDEO', video(), 'p')], [period('p', '3', times)])).keys[0]?.period).toEqual({
      index: 3,
      start: '2026-01-01T00:00:00+01:00',
      end: '2026-01-01T01:00:00.5Z',
      startOffset: 'PT0S',
      endOffset: 'P1DT2H',
    });
  });
  test.each([
    'start="yesterday"',
    'start="2026-13-01T00:00:00Z"',
    'end=""',
    'startOffset="30"',
    'endOffset="PT"',
    'endOffset="P"',
  ])('%s is no time', (time) => {
    expect(codes(contract([rule(A, 'VIDEO', video())], [period('p', '1', time)]))).toEqual(['INVALID_PERIOD']);
  });
  test('the only period is that of keys whose rules name none', () => {
    expect(parse(contract([rule(A, 'VIDEO', video())], [period('p', '9')])).keys[0]?.period).toEqual({ index: 9 });
  });
});
