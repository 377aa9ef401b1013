import { context, metrics, propagation, trace } from '@opentelemetry/api';
import type { metrics as sdkMetrics, NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import { z } from 'zod';
import { EmfExporter } from './emf-exporter';
import { EnvironmentError, readEnvironment, type Environment } from './environment';
import { bindInstruments, relayInstruments, type Measurement } from './instruments';

export const telemetryEnvironment = z.object({
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url()
    .optional()
    .describe('where an OpenTelemetry collector takes OTLP over HTTP, e.g. http://127.0.0.1:4318'),
  METRICS: z
    .enum(['otlp', 'prometheus', 'emf', 'none'])
    .optional()
    .describe('how metrics go out; otlp when OTEL_EXPORTER_OTLP_ENDPOINT is set, else none'),
  METRICS_INTERVAL_MS: z.coerce
    .number()
    .int()
    .min(100)
    .default(60_000)
    .describe('how often otlp and emf metrics go out'),
  METRICS_NAMESPACE: z.string().min(1).max(255).default('Latchkey').describe('the CloudWatch namespace of emf metrics'),
  HEALTH_PORT: z.string().optional(),
});
/** The exporters try again for 10 s, which is all the time that a process has to stop. */
const CLOSE_WITHIN_MS = 2_000;
type PushMetricExporter = sdkMetrics.PushMetricExporter;
type TelemetrySettings = z.infer<typeof telemetryEnvironment>;

export interface Telemetry {
  /** With METRICS=prometheus: all metrics in its text format. */
  readonly exposition?: () => Promise<string>;
  /** Sends what has not been sent. */
  close(): Promise<void>;
}

/**
 * Traces and metrics, if the environment says where to. Without, nothing of OpenTelemetry's SDK is loaded and its API does
 * nothing. Throws EnvironmentError.
 */
export async function startTelemetry(
  service: string,
  instance: string,
  environment: Environment,
  write: (line: string) => void = (line) => void process.stdout.write(line),
): Promise<Telemetry> {
  const settings = readEnvironment(telemetryEnvironment, environment);
  const way = wayOf(settings);
  refuseHalfConfigured(way, settings);
  if (way === 'none' && !settings.OTEL_EXPORTER_OTLP_ENDPOINT) return { close: async () => undefined };
  const { exposition, ...configuration } = await readers(way, service, settings, write);
  return start(service, instance, { ...configuration, ...(await traces(settings)) }, exposition);
}

/**
 * The same for a further thread of a process: its spans go out from here, as those of the process; what it measures is told to
 * the thread that has the metrics.
 */
export async function startThreadTelemetry(
  service: string,
  instance: string,
  environment: Environment,
  tell: (measurement: Measurement) => void,
): Promise<Telemetry> {
  const settings = readEnvironment(telemetryEnvironment, environment);
  const measured = wayOf(settings) !== 'none';
  const spans = settings.OTEL_EXPORTER_OTLP_ENDPOINT
    ? await start(service, instance, { metricReaders: [], ...(await traces(settings)) }, undefined)
    : undefined;
  if (measured) relayInstruments(tell);
  return {
    close: async () => {
      bindInstruments(undefined);
      await spans?.close();
    },
  };
}

function wayOf({ METRICS, OTEL_EXPORTER_OTLP_ENDPOINT }: TelemetrySettings) {
  return METRICS ?? (OTEL_EXPORTER_OTLP_ENDPOINT ? 'otlp' : 'none');
}

function refuseHalfConfigured(way: string, settings: TelemetrySettings): void {
  if (way === 'otlp' && !settings.OTEL_EXPORTER_OTLP_ENDPOINT) {
    throw new EnvironmentError('METRICS=otlp needs OTEL_EXPORTER_OTLP_ENDPOINT: where the collector is');
  }
  if (way === 'prometheus' && !settings.HEALTH_PORT) {
    throw new EnvironmentError('METRICS=prometheus needs HEALTH_PORT: the port on which /metrics is served');
  }
}

async function start(
  service: string,
  instance: string,
  configuration: Partial<NodeSDKConfiguration>,
  exposition: (() => Promise<string>) | undefined,
): Promise<Telemetry> {
  const { NodeSDK, core, resources } = await import('@opentelemetry/sdk-node');
  const sdk = new NodeSDK({
    serviceName: service,
    resource: resources.resourceFromAttributes({
      'service.namespace': 'latchkey',
      'service.instance.id': instance,
    }),
    autoDetectResources: false,
    textMapPropagator: new core.W3CTraceContextPropagator(),
    logRecordProcessors: [],
    ...configuration,
  });
  sdk.start();
  bindInstruments(metrics.getMeter('@latchkey'));
  return {
    ...(exposition && { exposition }),
    close: async () => {
      bindInstruments(undefined);
      // A collector that is away must not keep a process from stopping well.
      await Promise.race([sdk.shutdown().catch(() => undefined), delay(CLOSE_WITHIN_MS)]);
      for (const api of [metrics, trace, context, propagation]) api.disable();
    },
  };
}

async function traces({
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
}: TelemetrySettings): Promise<Partial<NodeSDKConfiguration>> {
  if (!endpoint) return { spanProcessors: [] };
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
  return { traceExporter: new OTLPTraceExporter({ url: signalUrl(endpoint, 'traces') }) };
}

interface MetricsOut {
  readonly metricReaders: NonNullable<NodeSDKConfiguration['metricReaders']>;
  readonly instrumentations?: NodeSDKConfiguration['instrumentations'];
  readonly exposition?: () => Promise<string>;
}

/** What reads the metrics, for each way out. CloudWatch is paid by the metric: it gets none of Node.js's own. */
async function readers(
  way: 'otlp' | 'prometheus' | 'emf' | 'none',
  service: string,
  settings: TelemetrySettings,
  write: (line: string) => void,
): Promise<MetricsOut> {
  if (way === 'none') return { metricReaders: [] };
  if (way === 'emf') {
    return { metricReaders: [await periodic(new EmfExporter(settings.METRICS_NAMESPACE, service, write), settings)] };
  }
  const { RuntimeNodeInstrumentation } = await import('@opentelemetry/instrumentation-runtime-node');
  const instrumentations = [new RuntimeNodeInstrumentation()];
  if (way === 'prometheus') return { ...(await prometheus()), instrumentations };
  return { metricReaders: [await periodic(await otlp(settings), settings)], instrumentations };
}

async function periodic(exporter: PushMetricExporter, { METRICS_INTERVAL_MS }: TelemetrySettings) {
  const { metrics: sdk } = await import('@opentelemetry/sdk-node');
  return new sdk.PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: METRICS_INTERVAL_MS,
    exportTimeoutMillis: Math.min(METRICS_INTERVAL_MS, 5_000),
  });
}

async function otlp({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }: TelemetrySettings) {
  const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-proto');
  return new OTLPMetricExporter({ url: signalUrl(endpoint as string, 'metrics') });
}

async function prometheus() {
  const { PrometheusExporter, PrometheusSerializer } = await import('@opentelemetry/exporter-prometheus');
  const reader = new PrometheusExporter({ preventServerStart: true });
  const serializer = new PrometheusSerializer();
  const exposition = async () => serializer.serialize((await reader.collect()).resourceMetrics);
  return { metricReaders: [reader], exposition };
}

/** OTLP/HTTP: each signal has its path below the endpoint. */
function signalUrl(endpoint: string, signal: string): string {
  return `${endpoint.replace(/\/$/, '')}/v1/${signal}`;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
