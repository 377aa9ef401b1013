import type { EventContract, RequestContract } from '@latchkey/messages';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import type { z } from 'zod';
import type { Deadline } from './deadline';

/** What a handler is told beside the request: how long its asker still waits. The trace context is the active one. */
export interface Call {
  readonly deadline: Deadline;
}

/** What a handler is told beside the event. */
export interface Told {
  /** The event's JSON as its publisher wrote it, where it crossed as text: for those who keep it. */
  readonly text: string | undefined;
}

/**
 * One contract-typed way to ask and to state. Both transports, NATS and in memory, mean the same by it:
 * the answerers of a subject share its requests (queue group); an asker waits no longer than the contract's time limit and
 * its own deadline; a subject that nobody answers is known at once.
 */
export interface Bus {
  /**
   * Throws Fault: the answerer's own; UNAVAILABLE when nobody answers the subject (then it is a NoResponders) or the
   * connection is down; DEADLINE_EXCEEDED; INTERNAL for anything else, its detail left in the answerer's log.
   */
  ask<Req extends z.ZodType, Res extends z.ZodType>(
    contract: RequestContract<Req, Res>,
    request: z.input<Req>,
    call: Call,
  ): Promise<z.output<Res>>;

  /**
   * Resolves when the event is durably accepted. `payload.id` makes retries one event. `text` is the payload's JSON, where it has been
   * written already. Throws Fault UNAVAILABLE.
   */
  publish<Payload extends z.ZodType>(
    contract: EventContract<Payload>,
    payload: z.input<Payload>,
    text?: string,
  ): Promise<void>;

  /** Whether messages can cross now. */
  readonly connected: boolean;
}

/** One service's end of the bus. */
export interface BusConnection extends Bus {
  /** For a Nest microservice: what its controllers `@Answers` and `@Hears` is subscribed when it listens. */
  strategy(): CustomTransportStrategy;
  /** Drains: no new requests, those in flight are answered. */
  close(): Promise<void>;
}
