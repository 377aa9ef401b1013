import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { jsonSchemaOf } from '../src/json-schema';
import { breaksBetween, contractsNow, type Contracts } from './compatibility';

const RELEASED = join(__dirname, 'released');
const { version } = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8')) as { version: string };
const ofThisVersion = join(RELEASED, `${version}.json`);

// Written once, when a version is released; later versions are held to it (docs/operations.md, upgrades).
if (process.env['RELEASE_CONTRACTS']) writeFileSync(ofThisVersion, `${JSON.stringify(contractsNow(), undefined, 2)}\n`);

describe('services of two releases on one bus', () => {
  it('keeps the contracts of every release', () => {
    expect(existsSync(ofThisVersion)).toBe(true);
  });

  it.each(readdirSync(RELEASED))('understand each other: today and %s', (file) => {
    const released = JSON.parse(readFileSync(join(RELEASED, file), 'utf8')) as Contracts;
    expect(Object.keys(released.requests).length).toBeGreaterThan(10);
    expect(Object.keys(released.events).length).toBeGreaterThan(10);
    expect(breaksBetween(released, contractsNow())).toEqual([]);
  });
});

describe('the check of it', () => {
  const request = z.object({
    tenant: z.string().max(64),
    kind: z.enum(['a', 'b']),
    keys: z.array(z.object({ id: z.string() })).max(8),
  });
  const reply = z.object({
    keys: z.array(z.string()),
    etag: z.string().optional(),
    of: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('sealed'), box: z.string() }),
      z.object({ kind: z.literal('encrypted'), mac: z.string() }),
    ]),
  });
  const released = contracts({ request, reply });

  function contracts(change: { request?: z.ZodType; reply?: z.ZodType; event?: z.ZodType }): Contracts {
    return {
      requests: {
        'keys.v1.issue': {
          request: jsonSchemaOf(change.request ?? request),
          reply: jsonSchemaOf(change.reply ?? reply),
        },
      },
      events: { 'event.key.issued.v1': jsonSchemaOf(change.event ?? z.object({ sequence: z.number().int() })) },
      faults: ['INTERNAL', 'CONFLICT'],
    };
  }

  it.each<[string, Parameters<typeof contracts>[0]]>([
    ['nothing', {}],
    ['a new optional request field', { request: request.extend({ reason: z.string().optional() }) }],
    ['a new optional reply field', { reply: reply.extend({ created: z.boolean().optional() }) }],
    [
      'a new field deep down',
      { request: request.extend({ keys: z.array(z.object({ id: z.string(), iv: z.string().optional() })).max(8) }) },
    ],
    ['a new optional event field', { event: z.object({ sequence: z.number().int(), writer: z.string().optional() }) }],
  ])('lets pass: %s', (_, change) => {
    expect(breaksBetween(released, contracts(change))).toEqual([]);
  });

  it('lets pass: a new subject, event and fault', () => {
    const now = contracts({});
    const more = {
      requests: { ...now.requests, 'keys.v2.issue': now.requests['keys.v1.issue']! },
      events: { ...now.events, 'event.new': {} },
      faults: [...now.faults, 'NEW'],
    };
    expect(breaksBetween(released, more)).toEqual([]);
  });

  it.each<[string, Parameters<typeof contracts>[0], RegExp]>([
    [
      'a new required request field',
      { request: request.extend({ reason: z.string() }) },
      /request\.reason: it is needed/,
    ],
    ['a removed request field', { request: request.omit({ tenant: true }) }, /request\.tenant: it is needed/],
    ['a removed reply field', { reply: reply.omit({ keys: true }) }, /reply\.keys: it is needed/],
    [
      'a reply field that became optional',
      { reply: reply.extend({ keys: z.array(z.string()).optional() }) },
      /reply\.keys/,
    ],
    [
      'a new reply field that today needs',
      { reply: reply.extend({ created: z.boolean() }) },
      /reply\.created: it is needed/,
    ],
    ['another type', { event: z.object({ sequence: z.string() }) }, /sequence: integer where string is read/],
    [
      'null where it was not',
      { event: z.object({ sequence: z.number().int().nullable() }) },
      /sequence: null where integer/,
    ],
    ['a wider number', { event: z.object({ sequence: z.number() }) }, /number where integer/],
    ['a removed value', { request: request.extend({ kind: z.enum(['a']) }) }, /kind: b is not among/],
    [
      'a new value, which the other one does not know',
      { request: request.extend({ kind: z.enum(['a', 'b', 'c']) }) },
      /kind: c is not among/,
    ],
    ['a lower limit', { request: request.extend({ tenant: z.string().max(32) }) }, /tenant: maxLength is 32/],
    [
      'a higher limit, which the other one refuses',
      { request: request.extend({ tenant: z.string().max(128) }) },
      /tenant: maxLength is 64/,
    ],
    ['a pattern', { request: request.extend({ tenant: z.string().max(64).regex(/^a/) }) }, /tenant: pattern/],
    [
      'another field deep down',
      { request: request.extend({ keys: z.array(z.object({ kid: z.string() })).max(8) }) },
      /keys\[\]\.(id|kid)/,
    ],
    [
      'fewer items',
      { request: request.extend({ keys: z.array(z.object({ id: z.string() })).max(4) }) },
      /maxItems is 4/,
    ],
    [
      'a kind of its own',
      { reply: reply.extend({ of: z.object({ kind: z.literal('sealed'), box: z.string() }) }) },
      /encrypted is not among/,
    ],
    [
      'a field closed to others',
      { request: z.strictObject(request.shape).omit({ tenant: true }) },
      /tenant: it is not allowed/,
    ],
    [
      'words that it does not know',
      { event: z.object({ sequence: z.record(z.string(), z.string()) }) },
      /does not know propertyNames/,
    ],
  ])('finds %s', (_, change, why) => {
    expect(breaksBetween(released, contracts(change))).toContainEqual(expect.stringMatching(why));
  });

  it('finds subjects, events and faults that are gone', () => {
    expect(breaksBetween(released, { requests: {}, events: {}, faults: ['INTERNAL'] })).toEqual([
      'keys.v1.issue: nobody answers it any more',
      'event.key.issued.v1: nobody states it any more',
      'fault CONFLICT: it is not known any more',
    ]);
  });
});
