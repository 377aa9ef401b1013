import {
  EnvironmentError,
  instruments,
  startTelemetry,
  startThreadTelemetry,
  takeMeasurement,
  type Measurement,
} from '@latchkey/runtime';

describe('metrics for Prometheus', () => {
  test('are written in its format, with what was counted and timed', async () => {
    const telemetry = await startTelemetry('test', 'i1', { METRICS: 'prometheus', HEALTH_PORT: '9090' });
    instruments.exchanges.add(2, { tenant: 'default', encryptor: 'packager', version: '2.0', outcome: 'completed' });
    instruments.kmsDuration.record(0.02, { operation: 'Decrypt', outcome: 'ok' });
    instruments.breakerState.record(2, { part: 'kms' });
    const text = await telemetry.exposition!();
    await telemetry.close();
    expect(text).toMatch(/^latchkey_exchanges_total\{[^}]*tenant="default"[^}]*\} 2/m);
    expect(text).toMatch(/^latchkey_kms_duration_bucket\{[^}]*le="0.025"[^}]*\} 1/m);
    expect(text).toMatch(/^latchkey_breaker_state\{[^}]*part="kms"[^}]*\} 2/m);
    expect(text).toContain('nodejs_eventloop');
  });
});

describe('metrics for CloudWatch', () => {
  test('are EMF lines that keep its rules, with differences only', async () => {
    const lines: string[] = [];
    const telemetry = await startTelemetry('key-service', 'i1', { METRICS: 'emf' }, (line) => void lines.push(line));
    const labels = { tenant: 'default', encryptor: 'packager', version: '2.0', outcome: 'completed' } as const;
    instruments.exchanges.add(2, labels);
    instruments.keysIssued.add(4, { tenant: 'default' });
    instruments.keysReissued.add(1, { tenant: 'default' });
    for (const seconds of [0.0003, 0.02, 0.021, 9]) {
      instruments.exchangeDuration.record(seconds, { version: '2.0', outcome: 'completed' });
    }
    await telemetry.close();
    const documents = lines.map((line) => JSON.parse(line) as EmfDocument);
    for (const [at, document] of documents.entries()) keepsTheRules(document, lines[at]!);

    expect(metricOf(documents, 'latchkey.exchanges')).toMatchObject({
      ...labels,
      service: 'key-service',
      'latchkey.exchanges': 2,
    });
    // Each metric costs: Node.js's own stay out.
    expect(lines.join()).not.toContain('v8js');
    // Metrics of the same dimensions share a line.
    expect(metricOf(documents, 'latchkey.keys.issued')).toMatchObject({
      'latchkey.keys.issued': 4,
      'latchkey.keys.reissued': 1,
    });
    const duration = metricOf(documents, 'latchkey.exchange.duration')['latchkey.exchange.duration'] as Distribution;
    expect(duration.Counts).toEqual([1, 2, 1]);
    expect(duration).toMatchObject({ Count: 4, Min: 0.0003, Max: 9 });
    expect(duration.Sum).toBeCloseTo(9.0413);
    for (const value of duration.Values) {
      expect(value).toBeGreaterThanOrEqual(duration.Min);
      expect(value).toBeLessThanOrEqual(duration.Max);
    }
  });
});

describe('a further thread', () => {
  // One process's instruments stand for both threads' here: first it measures, then it is told.
  test('tells what it measures to the thread that has the metrics', async () => {
    const environment = { METRICS: 'prometheus', HEALTH_PORT: '9090' };
    const told: Measurement[] = [];
    const thread = await startThreadTelemetry('test', 'i1', environment, (measurement) => void told.push(measurement));
    instruments.keysIssued.add(3, { tenant: 'default' });
    instruments.kmsDuration.record(0.02, { operation: 'Decrypt', outcome: 'ok' });
    instruments.breakerState.record(2, { part: 'kms' });
    await thread.close();
    instruments.keysIssued.add(5, { tenant: 'default' });
    expect(told).toHaveLength(3);

    const telemetry = await startTelemetry('test', 'i1', environment);
    for (const measurement of JSON.parse(JSON.stringify(told)) as Measurement[]) takeMeasurement(measurement);
    const text = await telemetry.exposition!();
    await telemetry.close();
    expect(text).toMatch(/^latchkey_keys_issued_total\{[^}]*tenant="default"[^}]*\} 3/m);
    expect(text).toMatch(/^latchkey_kms_duration_bucket\{[^}]*le="0.025"[^}]*\} 1/m);
    expect(text).toMatch(/^latchkey_breaker_state\{[^}]*part="kms"[^}]*\} 2/m);
  });

  test('tells nothing where nobody wants metrics', async () => {
    const told: Measurement[] = [];
    const thread = await startThreadTelemetry('test', 'i1', {}, (measurement) => void told.push(measurement));
    instruments.keysIssued.add(3, { tenant: 'default' });
    await thread.close();
    expect(told).toEqual([]);
  });
});

describe('without telemetry', () => {
  test('instruments take what they are given and keep nothing', async () => {
    const telemetry = await startTelemetry('test', 'i1', {});
    expect(telemetry.exposition).toBeUndefined();
    instruments.keysIssued.add(1, { tenant: 'default' });
    await telemetry.close();
  });

  test.each([
    [{ METRICS: 'prometheus' }, 'METRICS=prometheus needs HEALTH_PORT'],
    [{ METRICS: 'otlp' }, 'METRICS=otlp needs OTEL_EXPORTER_OTLP_ENDPOINT'],
    [{ METRICS: 'statsd' }, 'METRICS must be one of otlp, prometheus, emf, none'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }, 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  ])('%j is refused by name', async (environment, text) => {
    const starting = startTelemetry('test', 'i1', environment);
    await expect(starting).rejects.toBeInstanceOf(EnvironmentError);
    await expect(starting).rejects.toThrow(text);
  });
});

/** Checked by `tsc -p tsconfig.test.json`: each line would have to compile for the test to fail. */
export function labelsOutsideTheTableDoNotCompile(): void {
  // @ts-expect-error a label that the metric does not have
  instruments.keysIssued.add(1, { tenant: 'default', contentId: 'film' });
  // @ts-expect-error a label that is missing
  instruments.keysIssued.add(1, {});
  // @ts-expect-error a word that the label does not have
  instruments.rotations.add(1, { tenant: 'default', state: 'on time' });
}

interface EmfDocument extends Record<string, unknown> {
  _aws: {
    Timestamp: number;
    CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string; Unit?: string }[] }[];
  };
}
interface Distribution {
  Values: number[];
  Counts: number[];
  Min: number;
  Max: number;
  Sum: number;
  Count: number;
}

const CLOUDWATCH_UNITS = new Set(['Seconds', 'Milliseconds', 'Bytes', 'Percent', 'Count', 'None']);

/** Facts of CloudWatch's "Specification: Embedded metric format"; distributions as PutMetricData has them. */
function keepsTheRules(document: EmfDocument, line: string): void {
  expect(line.endsWith('\n')).toBe(true);
  expect(line.trimEnd()).not.toContain('\n');
  expect(Buffer.byteLength(line)).toBeLessThan(256 * 1024);
  expect(Number.isInteger(document['_aws'].Timestamp)).toBe(true);
  expect(document['_aws'].CloudWatchMetrics).toHaveLength(1);
  const [{ Namespace, Dimensions, Metrics }] = document['_aws'].CloudWatchMetrics as [
    EmfDocument['_aws']['CloudWatchMetrics'][0],
  ];
  expect(Namespace).toBe('Latchkey');
  expect(Metrics.length).toBeLessThanOrEqual(100);
  for (const set of Dimensions) {
    expect(set.length).toBeLessThanOrEqual(30);
    for (const name of set) {
      expect(typeof document[name]).toBe('string');
      expect((document[name] as string).length).toBeLessThanOrEqual(1_024);
    }
  }
  for (const { Name, Unit } of Metrics) {
    expect(CLOUDWATCH_UNITS).toContain(Unit);
    isValue(document[Name]);
  }
}

function isValue(value: unknown): void {
  if (typeof value === 'number') return expect(Number.isFinite(value)).toBe(true);
  const { Values, Counts } = value as Distribution;
  expect(Values).toHaveLength(Counts.length);
  expect(Values.length).toBeLessThanOrEqual(100);
  for (const each of [...Values, ...Counts]) expect(Number.isFinite(each)).toBe(true);
}

function metricOf(documents: EmfDocument[], name: string): EmfDocument {
  return documents.find((document) => name in document)!;
}
