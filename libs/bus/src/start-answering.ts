import 'reflect-metadata';
import type { Logger, ServiceContext } from '@latchkey/runtime';
import type { DynamicModule, INestMicroservice, LoggerService, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { BusConnection } from './bus';

/** Starts a Nest microservice that answers and hears over the connection. Close it before the connection. */
export async function startAnswering(
  module: Type | DynamicModule,
  connection: BusConnection,
  context: ServiceContext,
): Promise<INestMicroservice> {
  const service = await NestFactory.createMicroservice(module, {
    strategy: connection.strategy(),
    logger: nestLogger(context.logger),
    abortOnError: false,
  });
  await service.listen();
  return service;
}

/** Nest's own news on our log: what it says while starting is detail, its warnings and errors are ours. */
export function nestLogger(logger: Logger): LoggerService {
  const at =
    (level: 'debug' | 'warn' | 'error' | 'fatal') =>
    (message: unknown, ...rest: unknown[]) => {
      const nest = rest.at(-1);
      if (message instanceof Error) logger[level]({ err: message, nest }, message.message);
      else logger[level]({ nest }, String(message));
    };
  return {
    log: at('debug'),
    debug: at('debug'),
    verbose: at('debug'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
  };
}
