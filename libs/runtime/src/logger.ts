import { trace } from '@opentelemetry/api';
import pino, { type DestinationStream, type Logger as PinoLogger } from 'pino';
import { EnvironmentError, type Environment } from './environment';
import { describeError, withoutSecrets } from './redact';

export type Logger = PinoLogger;

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * JSON lines on standard output at LOG_LEVEL (info), with the trace they belong to. What is under a name that secrets travel
 * under is never written, however deep, nor are bytes. Throws EnvironmentError.
 */
export function createLogger(name: string, environment: Environment, destination?: DestinationStream): Logger {
  const level = environment['LOG_LEVEL'] || 'info';
  if (!LEVELS.includes(level)) throw new EnvironmentError(`LOG_LEVEL must be one of ${LEVELS.join(', ')}`);
  return pino(
    {
      level,
      base: { service: name },
      mixin: activeTrace,
      formatters: { log: withoutSecrets },
      hooks: {
        logMethod(args, method) {
          method.apply(this, sayingErrors(args));
        },
      },
      serializers: { err: (error: unknown) => (error instanceof Error ? describeError(error) : error) },
    },
    destination as DestinationStream,
  );
}

type LogArguments = Parameters<Logger['info']>;

/** An error that is logged without words gets its own, which pino would take unmasked. */
function sayingErrors(args: LogArguments): LogArguments {
  const [first, words] = args as [unknown, unknown];
  const error = first instanceof Error ? first : (first as { err?: unknown } | undefined)?.err;
  if (words !== undefined || !(error instanceof Error)) return args;
  const facts = first instanceof Error ? { err: first } : first;
  return [facts, describeError(error).message] as unknown as LogArguments;
}

/** A new object each time: pino writes the line's own facts into it. */
function activeTrace(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span ? { traceId: span.traceId, spanId: span.spanId } : {};
}
