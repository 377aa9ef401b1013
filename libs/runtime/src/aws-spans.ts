import type * as AwsSdk from '@opentelemetry/instrumentation-aws-sdk';
import type { Environment } from './environment';

/**
 * Spans for calls to AWS. The instrumentation only takes hold of what is loaded after it, so libs/runtime asks for it while
 * it is being loaded itself, which an app's main.ts does first; without an exporter for traces, nothing is loaded.
 */
export function instrumentAwsSdk(environment: Environment): void {
  if (!environment['OTEL_EXPORTER_OTLP_ENDPOINT']) return;
  const { AwsInstrumentation } = require('@opentelemetry/instrumentation-aws-sdk') as typeof AwsSdk;
  new AwsInstrumentation({
    suppressInternalInstrumentation: true,
    // What is written to a table is no business of a trace.
    dynamoDBStatementSerializer: () => undefined,
  }).enable();
}
