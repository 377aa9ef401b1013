import type { MessagePort } from 'node:worker_threads';
import { errorFrom, wordsOf, type ErrorWords } from './error-words';

/** What is called from the other thread. Arguments and results are what JSON can say. */
type Procedure = (argument: never) => unknown;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A frame without a name is the result of the call of that number; one without a number wants none. */
interface Frame {
  readonly id?: number | undefined;
  readonly name?: string | undefined;
  readonly value?: unknown;
  readonly error?: ErrorWords;
}

/** The port is closed: what was called has no result any more. */
export class ThreadPortClosed extends Error {
  override readonly name = 'ThreadPortClosed';
}

/** More keep the other thread waiting for them (0.95 of the rate, with 16 connections); three cost more than they gain. */
const MOST_AT_ONCE = 6;

/**
 * One end of a port between two threads of this process: each calls procedures of the other by name. What one turn of the event
 * loop has to say crosses as one text, or as a few where it is much: to wake the other thread is what a message costs most, but it
 * should not wait for all of a long turn either.
 */
export class ThreadPort {
  readonly #procedures = new Map<string, Procedure>();
  readonly #waiting = new Map<number, Waiting>();
  #frames: Frame[] = [];
  #calls = 0;
  #closed = false;

  constructor(private readonly port: Pick<MessagePort, 'postMessage' | 'on' | 'close'>) {
    port.on('message', (text: string) => this.#take(text));
    port.on('close', () => this.#closing());
  }

  /** Before the other end calls it. What it throws, the caller's promise is rejected with. */
  serve<Argument>(name: string, procedure: (argument: Argument) => unknown): void {
    this.#procedures.set(name, procedure as Procedure);
  }

  /** Rejects with the procedure's error (its name, message and fields), or ThreadPortClosed. */
  call<Result>(name: string, value?: unknown): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new ThreadPortClosed(`${name}: the other thread is gone`));
      const id = ++this.#calls;
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
      this.#put({ id, name, value });
    });
  }

  /** Without a result, and without an error. */
  tell(name: string, value?: unknown): void {
    this.#put({ name, value });
  }

  close(): void {
    this.#flush();
    this.port.close();
  }

  #put(frame: Frame): void {
    if (this.#closed) return;
    const waiting = this.#frames.push(frame);
    if (waiting === 1) setImmediate(() => this.#flush());
    else if (waiting === MOST_AT_ONCE) this.#flush();
  }

  #flush(): void {
    if (this.#frames.length === 0) return;
    const frames = this.#frames;
    this.#frames = [];
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
    this.port.postMessage(JSON.stringify(frames));
  }

  #take(text: string): void {
    for (const frame of JSON.parse(text) as Frame[]) {
      if (frame.name === undefined) this.#settle(frame);
      else void this.#run(frame, frame.name);
    }
  }

  #settle({ id, value, error }: Frame): void {
    const waiting = this.#waiting.get(id as number);
    this.#waiting.delete(id as number);
    if (error) waiting?.reject(errorFrom(error));
    else waiting?.resolve(value);
  }

  async #run({ id, value }: Frame, name: string): Promise<void> {
    try {
      const procedure = this.#procedures.get(name);
      if (!procedure) throw new Error(`${name}: no such procedure in this thread`);
      const result = await procedure(value as never);
      if (id !== undefined) this.#put({ id, value: result });
    } catch (error) {
      if (id === undefined) throw error;
      this.#put({ id, error: wordsOf(error) });
    }
  }

  #closing(): void {
    this.#closed = true;
    for (const [id, waiting] of this.#waiting) {
      this.#waiting.delete(id);
      waiting.reject(new ThreadPortClosed('the other thread is gone'));
    }
  }
}
