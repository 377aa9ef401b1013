import type { z } from 'zod';

/** A subject one service answers. Both ends import it, so neither can drift from the other. */
export interface RequestContract<Req extends z.ZodType = z.ZodType, Res extends z.ZodType = z.ZodType> {
  readonly subject: string;
  /** The most an asker waits, whatever is left of its own deadline. */
  readonly timeoutMs: number;
  readonly request: Req;
  readonly reply: Res;
}

/** A fact one service states. Past tense, and never key material. */
export interface EventContract<Payload extends z.ZodType = z.ZodType> {
  readonly subject: string;
  readonly payload: Payload;
}

export function defineRequest<Req extends z.ZodType, Res extends z.ZodType>(contract: RequestContract<Req, Res>) {
  return contract;
}

export function defineEvent<Payload extends z.ZodType>(contract: EventContract<Payload>) {
  return contract;
}
