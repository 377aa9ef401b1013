import type { FastifyReply, FastifyRequest } from 'fastify';
import { unavailable } from './problem';

/**
 * Sheds load: a process that has `most` requests at work refuses the next at once rather than answer all of them late.
 * On one event loop the requests at work grow as soon as it, or anything that they wait for, falls behind.
 */
export class InFlight {
  #count = 0;

  constructor(private readonly most: number) {}

  get count(): number {
    return this.#count;
  }

  /** Throws 503. What it lets in is counted until its connection or answer is done with. */
  enter(request: FastifyRequest, reply: FastifyReply): void {
    if (this.#count >= this.most) throw unavailable(undefined, 'Too many requests at once: try again');
    this.#count++;
    reply.raw.once('close', () => this.#count--);
  }
}
