import { EVENTS, FAULTS, type EventContract, type RequestContract } from '@latchkey/messages';
import { SYSTEM_IDS } from '@latchkey/cenc';
import { jsonSchemaOf, type JsonSchema } from '../src/json-schema';
import * as keys from '../src/keys';
import { signalingFor } from '../src/signaling';

/** The contracts of one release, as JSON Schema: what its services say and hear on the bus. */
export interface Contracts {
  readonly requests: Readonly<Record<string, { readonly request: JsonSchema; readonly reply: JsonSchema }>>;
  readonly events: Readonly<Record<string, JsonSchema>>;
  readonly faults: readonly string[];
}

export function contractsNow(): Contracts {
  const signaling = { ...signalingFor(SYSTEM_IDS.widevine), subject: 'signaling.v1.{systemId}' };
  const requests = [...Object.values(keys as Record<string, unknown>).filter(isRequest), signaling];
  return {
    requests: Object.fromEntries(
      requests.map(({ subject, request, reply }) => [
        subject,
        { request: jsonSchemaOf(request), reply: jsonSchemaOf(reply) },
      ]),
    ),
    events: Object.fromEntries(
      Object.values(EVENTS).map(({ subject, payload }: EventContract) => [subject, jsonSchemaOf(payload)]),
    ),
    faults: Object.keys(FAULTS).sort(),
  };
}

function isRequest(exported: unknown): exported is RequestContract {
  return typeof exported === 'object' && exported !== null && 'subject' in exported && 'reply' in exported;
}

/**
 * Why services of two releases cannot share one bus; nothing if they can. Whoever reads must take whatever the other
 * one may write, in both directions: during an upgrade each asks, answers, states and hears the other.
 */
export function breaksBetween(before: Contracts, now: Contracts): string[] {
  return [
    ...Object.entries(before.requests).flatMap(([subject, then]) => {
      const today = now.requests[subject];
      if (!today) return [`${subject}: nobody answers it any more`];
      return [
        ...bothWays(`${subject} request`, then.request, today.request),
        ...bothWays(`${subject} reply`, then.reply, today.reply),
      ];
    }),
    ...Object.entries(before.events).flatMap(([subject, then]) => {
      const today = now.events[subject];
      return today ? bothWays(subject, then, today) : [`${subject}: nobody states it any more`];
    }),
    ...before.faults
      .filter((code) => !now.faults.includes(code))
      .map((code) => `fault ${code}: it is not known any more`),
  ];
}

function bothWays(where: string, before: JsonSchema, now: JsonSchema): string[] {
  return [
    ...refusals(now, before, where).map((why) => `${why} (today's reader, the release's writer)`),
    ...refusals(before, now, where).map((why) => `${why} (the release's reader, today's writer)`),
  ];
}

/** What `reader` refuses of what `writer` allows. It knows the words of JSON Schema that our contracts are written in, and refuses others. */
function refusals(reader: JsonSchema, writer: JsonSchema, where: string): string[] {
  const unknown = [...Object.keys(reader), ...Object.keys(writer)].find((word) => !WORDS.has(word));
  if (unknown) return [`${where}: this check does not know ${unknown}`];
  if (alternatives(writer)) return alternatives(writer)!.flatMap((each) => refusals(reader, each, where));
  if (alternatives(reader)) return noneFits(alternatives(reader)!, writer, where);
  return [
    ...typeRefusals(reader, writer, where),
    ...valueRefusals(reader, writer, where),
    ...boundRefusals(reader, writer, where),
    ...memberRefusals(reader, writer, where),
  ];
}

const LOWER = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems'];
const UPPER = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems'];
const WORDS = new Set([
  ...['type', 'properties', 'required', 'items', 'enum', 'const', 'anyOf', 'oneOf', 'pattern', 'format', 'description'],
  ...['additionalProperties', 'contentEncoding', ...LOWER, ...UPPER],
]);

function alternatives(schema: JsonSchema): JsonSchema[] | undefined {
  return (schema['anyOf'] ?? schema['oneOf']) as JsonSchema[] | undefined;
}

function noneFits(readers: readonly JsonSchema[], writer: JsonSchema, where: string): string[] {
  const attempts = readers.map((reader) => refusals(reader, writer, where));
  if (attempts.some((attempt) => attempt.length === 0)) return [];
  // The nearest alternative says it best.
  return attempts.reduce((nearest, attempt) => (attempt.length < nearest.length ? attempt : nearest));
}

function typeRefusals({ type: reads }: JsonSchema, { type: writes }: JsonSchema, where: string): string[] {
  if (reads === undefined) return [];
  const read = [reads].flat();
  const strange = [writes ?? 'anything']
    .flat()
    .filter((each) => !read.includes(each) && !(each === 'integer' && read.includes('number')));
  return strange.map((each) => `${where}: ${String(each)} where ${read.join(' or ')} is read`);
}

function valueRefusals(reader: JsonSchema, writer: JsonSchema, where: string): string[] {
  const [reads, writes] = [valuesOf(reader), valuesOf(writer)];
  const strange = reads && (writes ? writes.filter((value) => !reads.includes(value)) : ['any value']);
  const exact = ['pattern', 'format'].filter(
    (word) => reader[word] !== undefined && !writes && reader[word] !== writer[word],
  );
  return [
    ...(strange ?? []).map((value) => `${where}: ${String(value)} is not among what is read`),
    ...exact.map((word) => `${where}: ${word} is ${String(reader[word])} where it is read`),
  ];
}

function valuesOf(schema: JsonSchema): unknown[] | undefined {
  return 'const' in schema ? [schema['const']] : (schema['enum'] as unknown[] | undefined);
}

function boundRefusals(reader: JsonSchema, writer: JsonSchema, where: string): string[] {
  if (valuesOf(writer)) return [];
  const narrower = [
    ...LOWER.filter((word) => has(reader, word) && Number(writer[word] ?? -Infinity) < Number(reader[word])),
    ...UPPER.filter((word) => has(reader, word) && Number(writer[word] ?? Infinity) > Number(reader[word])),
  ];
  return narrower.map((word) => `${where}: ${word} is ${String(reader[word])} where it is read`);
}

function has(schema: JsonSchema, word: string): boolean {
  return schema[word] !== undefined;
}

/** A member that the reader does not know is left alone; one that it needs must always come. */
function memberRefusals(reader: JsonSchema, writer: JsonSchema, where: string): string[] {
  const [reads, writes] = [membersOf(reader), membersOf(writer)];
  const promised = (writer['required'] ?? []) as string[];
  const needed = (reader['required'] ?? []) as string[];
  const unread = reader['additionalProperties'] === false ? Object.keys(writes).filter((name) => !(name in reads)) : [];
  return [
    ...needed
      .filter((name) => !promised.includes(name))
      .map((name) => `${where}.${name}: it is needed, and may be missing`),
    ...unread.map((name) => `${where}.${name}: it is not allowed where it is read`),
    ...Object.entries(reads).flatMap(([name, schema]) =>
      writes[name] ? refusals(schema, writes[name], `${where}.${name}`) : [],
    ),
    ...(reader['items'] && writer['items']
      ? refusals(reader['items'] as JsonSchema, writer['items'] as JsonSchema, `${where}[]`)
      : []),
  ];
}

function membersOf(schema: JsonSchema): Record<string, JsonSchema> {
  return (schema['properties'] ?? {}) as Record<string, JsonSchema>;
}
