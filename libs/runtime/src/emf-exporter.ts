import type { core, metrics } from '@opentelemetry/sdk-node';

/** CloudWatch takes at most this many values of a metric in one document. */
const MOST_VALUES = 100;
/** ... and this many metrics in one directive. */
const MOST_METRICS = 100;
/** ... and dimension values of this length. */
const LONGEST_DIMENSION = 1_024;

/** OpenTelemetry's UCUM units in CloudWatch's words; curly ones count things. */
const UNITS: Record<string, string> = {
  s: 'Seconds',
  ms: 'Milliseconds',
  By: 'Bytes',
  '%': 'Percent',
  '1': 'None',
  d: 'None',
};

// Enumerations of the SDK, which is loaded only when telemetry is on.
const DELTA = 0 as metrics.AggregationTemporality.DELTA;
const SUCCESS = 0 as core.ExportResultCode.SUCCESS;
const HISTOGRAM = 0 as metrics.DataPointType.HISTOGRAM;

type Point = metrics.MetricData['dataPoints'][number];
/** Buckets as CloudWatch's PutMetricData has them: a value for each and how often, so that percentiles work. */
type EmfValue = number | { Values: number[]; Counts: number[]; Max: number; Min: number; Count: number; Sum: number };

/**
 * CloudWatch's embedded metric format: one JSON line for each set of dimensions, which CloudWatch Logs turns into metrics.
 * What is counted is the difference since the last export.
 */
export class EmfExporter implements metrics.PushMetricExporter {
  constructor(
    private readonly namespace: string,
    private readonly service: string,
    private readonly write: (line: string) => void,
  ) {}

  export(collected: metrics.ResourceMetrics, done: (result: core.ExportResult) => void): void {
    for (const document of this.#documents(collected)) this.write(`${JSON.stringify(document)}\n`);
    done({ code: SUCCESS });
  }

  selectAggregationTemporality(): metrics.AggregationTemporality {
    return DELTA;
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}

  #documents(collected: metrics.ResourceMetrics): object[] {
    const groups = new Map<
      string,
      { dimensions: Record<string, string>; at: number; found: [metrics.MetricData, Point][] }
    >();
    for (const metric of collected.scopeMetrics.flatMap((scope) => scope.metrics)) {
      for (const point of metric.dataPoints) {
        const dimensions = this.#dimensions(point);
        const name = JSON.stringify(dimensions);
        const group = groups.get(name) ?? { dimensions, at: milliseconds(point.endTime), found: [] };
        groups.set(name, group);
        group.found.push([metric, point]);
      }
    }
    return [...groups.values()].flatMap(({ dimensions, at, found }) =>
      chunks(found, MOST_METRICS).map((some) => this.#document(dimensions, at, some)),
    );
  }

  #document(dimensions: Record<string, string>, at: number, found: [metrics.MetricData, Point][]): object {
    return {
      _aws: {
        Timestamp: at,
        CloudWatchMetrics: [
          {
            Namespace: this.namespace,
            Dimensions: [Object.keys(dimensions)],
            Metrics: found.map(([{ descriptor }]) => ({ Name: descriptor.name, Unit: unitOf(descriptor.unit) })),
          },
        ],
      },
      ...dimensions,
      ...Object.fromEntries(found.map(([metric, point]) => [metric.descriptor.name, valueOf(metric, point)])),
    };
  }

  #dimensions(point: Point): Record<string, string> {
    const labels = Object.entries(point.attributes).map(([name, value]) => [
      name,
      String(value).slice(0, LONGEST_DIMENSION),
    ]);
    return { service: this.service, ...Object.fromEntries(labels) };
  }
}

function valueOf(metric: metrics.MetricData, point: Point): EmfValue {
  if (metric.dataPointType !== HISTOGRAM) return point.value as number;
  const { buckets, sum = 0, count, min = 0, max = 0 } = point.value as metrics.Histogram;
  const filled = buckets.counts.flatMap((times, at) =>
    times > 0 ? [[middle(buckets.boundaries, at, min, max), times]] : [],
  );
  const some = filled.slice(0, MOST_VALUES) as [number, number][];
  return {
    Values: some.map(([value]) => value),
    Counts: some.map(([, times]) => times),
    Max: max,
    Min: min,
    Count: count,
    Sum: sum,
  };
}

/** Of a bucket's bounds, never beyond what was seen. */
function middle(boundaries: readonly number[], at: number, min: number, max: number): number {
  const from = Math.max(boundaries[at - 1] ?? min, min);
  const to = Math.min(boundaries[at] ?? max, max);
  return (from + to) / 2;
}

function unitOf(unit: string): string {
  return unit.startsWith('{') ? 'Count' : (UNITS[unit] ?? 'None');
}

function milliseconds([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1_000 + Math.floor(nanoseconds / 1_000_000);
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size));
}
