import type { z } from 'zod';
import { newId } from './new-id';

/** What `newEvent` knows of an event: its type, and what its data is. */
interface Stated<Type extends string, Data extends z.ZodType> {
  readonly type: Type;
  readonly data: Data;
}

export interface NewEvent<Data> {
  /** Of `eventSource`. */
  readonly source: string;
  /** Whoever sees it twice has seen one event; a new one if nothing says so. */
  readonly id?: string;
  /** Now, if nothing says so. */
  readonly time?: Date;
  /** `<tenant>/<contentId>` where there is one. */
  readonly subject?: string | undefined;
  /** Of the exchange that it tells of. */
  readonly traceparent?: string | undefined;
  readonly data: Data;
}

/** CloudEvents 1.0, JSON format: the envelope that every event of ours has. */
export interface CloudEvent<Type extends string, Data> {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: Type;
  readonly time: string;
  readonly subject?: string;
  readonly datacontenttype: 'application/json';
  readonly traceparent?: string;
  readonly data: Data;
}

/** An event as its contract wants it, ready to be published: offered again, it must be this one, not another. */
export function newEvent<Type extends string, Data extends z.ZodType>(
  contract: Stated<Type, Data>,
  { source, id = newId(), time = new Date(), subject, traceparent, data }: NewEvent<z.input<Data>>,
): CloudEvent<Type, z.input<Data>> {
  const type = contract.type;
  // Spreading what there is costs more than all the rest.
  const event: Making<Type, z.input<Data>> = { specversion: '1.0', id, source, type, time: time.toISOString() };
  if (subject !== undefined) event.subject = subject;
  event.datacontenttype = 'application/json';
  if (traceparent !== undefined) event.traceparent = traceparent;
  event.data = data;
  return event as CloudEvent<Type, z.input<Data>>;
}

/** In the order in which it is written. */
type Making<Type extends string, Data> = {
  -readonly [Field in keyof CloudEvent<Type, Data>]?: CloudEvent<Type, Data>[Field];
};

/** Which process an event is of. */
export function eventSource({ name, instance }: { readonly name: string; readonly instance: string }): string {
  return `/latchkey/${name}/${instance}`;
}
