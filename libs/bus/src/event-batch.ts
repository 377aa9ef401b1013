import { createHash } from 'node:crypto';
import type { Outgoing } from './outgoing';
import type { BusMessage } from './transport';

/** Events that are one message of JetStream, which so is stored, delivered and acknowledged once for all of them. */
const MOST_EVENTS = 16;
/** In UTF-16 units of their JSON, which are at most three bytes each: what is larger gains nothing by company. */
const MOST_TEXT = 64 * 1_024;

interface Appended {
  readonly id: string;
  readonly message: BusMessage;
  resolve(): void;
  reject(error: unknown): void;
}

type Batch = [Appended, ...Appended[]];

/** Sends a message under an id; resolves when it is stored. */
export type Send = (id: string, message: BusMessage) => Promise<void>;

/**
 * Gathers what is appended in one turn of the event loop. Events of one subject become a batch (CloudEvents JSON batch format, one
 * event a line); one that comes alone, or has headers of its trace, is a message of its own.
 */
export class EventGatherer {
  readonly #mostText: number;
  #waiting: Appended[] = [];

  constructor(
    private readonly outgoing: Outgoing,
    private readonly send: Send,
    /** Of a message. */
    maxBytes: number,
  ) {
    this.#mostText = Math.min(MOST_TEXT, maxBytes / 4);
  }

  append(id: string, message: BusMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ id, message, resolve, reject }) === 1) this.outgoing.put(() => this.#flush());
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const batch of batchesOf(waiting, this.#mostText)) void this.#send(batch);
  }

  /** They are stored together, or none of them is. */
  async #send(batch: Batch): Promise<void> {
    try {
      await this.send(idOf(batch), together(batch));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

/** In their order. */
function batchesOf(waiting: readonly Appended[], mostText: number): Batch[] {
  const batches: Batch[] = [];
  let text = 0;
  for (const one of waiting) {
    const batch = batches.at(-1);
    const { length } = textOf(one);
    if (batch && batch.length < MOST_EVENTS && text + length <= mostText && fit(batch[0], one)) {
      batch.push(one);
      text += length;
    } else {
      batches.push([one]);
      text = length;
    }
  }
  return batches;
}

function fit(first: Appended, one: Appended): boolean {
  return first.message.subject === one.message.subject && isPlain(first) && isPlain(one);
}

/** Headers are of one event, and a line break in its text would end its line. */
function isPlain(one: Appended): boolean {
  for (const _ in one.message.headers) return false;
  return !textOf(one).includes('\n');
}

function textOf({ message }: Appended): string {
  return message.body as string;
}

/** Another for other events, so that what is sent again in other company does not pass for what was sent before. */
function idOf(batch: Batch): string {
  if (batch.length === 1) return batch[0].id;
  const hash = createHash('sha256');
  for (const { id } of batch) hash.update(`${id}\n`);
  return hash.digest('base64url');
}

function together(batch: Batch): BusMessage {
  const { message } = batch[0];
  return batch.length === 1 ? message : { ...message, body: `[${batch.map(textOf).join(BETWEEN)}]` };
}

/** The JSON of each event of a message. */
export function eventsIn(body: string): string[] {
  return body.startsWith('[') ? body.slice(1, -1).split(BETWEEN) : [body];
}

/** JSON has line breaks only between its tokens, and we write none: where one is, an event ends. */
const BETWEEN = ',\n';
