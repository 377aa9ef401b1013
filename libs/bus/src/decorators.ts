import 'reflect-metadata';
import type { EventContract, RequestContract } from '@latchkey/messages';
import { Catch, UseFilters, type ExceptionFilter } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import type { z } from 'zod';
import type { Call, Told } from './bus';

/** What the strategy needs to know of a handler; Nest hands it on with the pattern. */
export type HandlerExtras = { answers: RequestContract } | { hears: HeardContract; options: HearsOptions };

/** An event contract, or only a subject such as `event.>`: then each event is checked by the contract of its own subject. */
export type HeardContract<Payload extends z.ZodType = z.ZodType> = { subject: string; payload?: Payload };

export interface HearsOptions {
  /**
   * The name under which the bus keeps how far this consumer has come: it catches up after being down, and processes that
   * share the name share the events. Without one, only what comes from now on, to each process: for caches.
   */
  readonly durable?: string;
  /** Events handled at once. 1, the default, keeps their order (but for those that are delivered again). */
  readonly inFlight?: number;
}

type Answering<Req extends z.ZodType, Res extends z.ZodType> = (
  request: z.output<Req>,
  call: Call,
) => Promise<z.input<Res>>;
type Hearing<Payload extends z.ZodType> = (event: z.output<Payload>, told: Told) => Promise<void>;

/**
 * The method answers the contract's subject. It is given what the request schema makes of the body; a Fault it throws
 * crosses the bus, anything else arrives as INTERNAL. It may be called twice for one question.
 */
export function Answers<Req extends z.ZodType, Res extends z.ZodType>(contract: RequestContract<Req, Res>) {
  return <Handler extends Answering<Req, Res>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Handler>,
  ): void => {
    MessagePattern(contract.subject, { answers: contract })(target, key, descriptor);
    takeArgumentsAsTheyAre(target, key);
    UseFilters(UnfilteredErrors)(target, key, descriptor);
  };
}

/** The method hears events of a subject. If it throws, the event is delivered again, later and later. */
export function Hears<Payload extends z.ZodType>(
  contract: EventContract<Payload>,
  options?: HearsOptions,
): HearsDecorator<Payload>;
export function Hears(contract: { subject: string }, options?: HearsOptions): HearsDecorator<z.ZodType<never>>;
export function Hears(contract: HeardContract, options: HearsOptions = {}): HearsDecorator<z.ZodType<never>> {
  return (target, key, descriptor) => {
    EventPattern(contract.subject, { hears: contract, options })(target, key, descriptor);
    takeArgumentsAsTheyAre(target, key);
    UseFilters(UnfilteredErrors)(target, key, descriptor);
  };
}

type HearsDecorator<Payload extends z.ZodType> = <Handler extends Hearing<Payload>>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Handler>,
) => void;

/**
 * The strategy hands over what the method takes, checked. Nest is told that no parameter is decorated: else it makes each an argument
 * of its own by way of pipes, of which there are none, with six promises a message.
 */
function takeArgumentsAsTheyAre(target: object, key: string | symbol): void {
  Reflect.defineMetadata(ROUTE_ARGS_METADATA, {}, target.constructor, key);
}

/** Nest's own filter replaces what it does not know and prints it; here errors go to the strategy as they are. */
@Catch()
class UnfilteredErrors implements ExceptionFilter {
  catch(error: unknown): never {
    throw error;
  }
}
