import { z } from 'zod';
import { shortText } from './at-once';
import { defineEvent } from './contract';
import {
  contentId,
  exchangeId,
  keyId,
  keyPeriod,
  protectionScheme,
  requester,
  spekeVersion,
  systemId,
  tenantId,
} from './fields';

/**
 * CloudEvents 1.0, JSON format. `id` is the audit record's id: whoever sees it twice has seen one event.
 * No field of any event is made from key material.
 */
export function cloudEvent<T extends string, Data extends z.ZodType>(type: T, data: Data) {
  return z.object({
    specversion: z.literal('1.0'),
    id: shortText(64, 8),
    /** `/latchkey/<service>/<instance>`. */
    source: shortText(256),
    type: z.literal(type),
    time: z.iso.datetime(),
    /** `<tenant>/<contentId>` where there is one. */
    subject: shortText(1_200).optional(),
    datacontenttype: z.literal('application/json'),
    /** W3C trace context of the exchange (CloudEvents distributed tracing extension). */
    traceparent: z.string().max(64).optional(),
    data,
  });
}

/** An event and the subject it is published on: `event.<type without the reverse-DNS prefix>`. */
function event<T extends string, Data extends z.ZodType>(name: T, data: Data) {
  const type = `io.latchkey.${name}` as const;
  return { ...defineEvent({ subject: `event.${name}`, payload: cloudEvent(type, data) }), type, data };
}

const about = { tenant: tenantId, contentId, exchangeId };
const written = {
  writer: z.string().describe('the process that recorded it'),
  sequence: z.number().int().describe('that writer’s own count: a gap in it is a lost record'),
};
const keyFacts = z.object({
  keyId,
  requestedKeyId: keyId.optional(),
  scheme: protectionScheme.optional(),
  period: keyPeriod.optional(),
  intendedTrackType: z.string().optional(),
  expiresAt: z.number().int().optional().describe('epoch milliseconds; absent: kept for ever'),
  clearDelivery: z
    .boolean()
    .optional()
    .describe('from now on players may have it in the clear: it was issued for a clear-key system for the first time'),
});
const issuance = z.object({
  ...about,
  spekeVersion: spekeVersion.optional(),
  requester,
  keys: z.array(keyFacts),
  systems: z.array(systemId),
  delivery: z.enum(['recipients', 'sealed']),
  ...written,
});

export const keyIssued = event('key.issued.v1', issuance);
export const keyReissued = event('key.reissued.v1', issuance);
export const keyReleased = event(
  'key.released.v1',
  z.object({
    ...about,
    keyIds: z.array(keyId),
    reason: z.enum(['player', 'warm']),
    subject: z.string().optional(),
    ...written,
  }),
);
export const keyImported = event(
  'key.imported.v1',
  z.object({ ...about, requester, keys: z.array(keyFacts), ...written }),
);
export const keyRevoked = event(
  'key.revoked.v1',
  z.object({
    ...about,
    requester,
    keyIds: z.array(keyId),
    wholeContent: z.boolean().describe('all keys of the content, also those not listed'),
    shredded: z.boolean(),
    reason: z.string().optional(),
    ...written,
  }),
);
export const keyRefused = event(
  'key.refused.v1',
  z.object({
    tenant: tenantId,
    contentId: contentId.optional(),
    exchangeId,
    requester,
    keyIds: z.array(keyId),
    code: z
      .string()
      .describe(
        'why; `DRM_ONLY`: key-delivery asked for keys that were issued for DRM systems alone, and did not get them',
      ),
    subject: z.string().optional().describe('of a player, whom its token names'),
    ...written,
  }),
);
/** A stored row that does not unwrap: altered, moved or rolled back. An alarm. */
export const keyTampered = event('key.tampered.v1', z.object({ ...about, keyIds: z.array(keyId), ...written }));
/** A number that was given out for a record that could not be written, because of which no answer left: not a lost record. */
export const auditVoided = event('audit.voided.v1', z.object({ ...written }));

/** `startMs`: when it began, counted from the arrival of the request. */
const hop = z.object({ name: z.string(), ms: z.number(), startMs: z.number().optional() });
const exchange = z.object({
  tenant: tenantId,
  exchangeId,
  contentId: contentId.optional(),
  requester,
  spekeVersion: spekeVersion.optional(),
  resource: z.enum(['copyProtection', 'copyProtectionData']),
  keyIds: z.array(keyId),
  systems: z.array(systemId),
  periodIndex: z.number().int().optional(),
  status: z.number().int().describe('the HTTP status of the answer'),
  code: z.string().optional().describe('the stable code of the first fault'),
  durationMs: z.number(),
  hops: z.array(hop),
});
export const exchangeCompleted = event('exchange.completed.v1', exchange);
export const exchangeRejected = event('exchange.rejected.v1', exchange);
export const exchangeFailed = event('exchange.failed.v1', exchange);

export const deliveryDenied = event(
  'delivery.denied.v1',
  z.object({
    tenant: tenantId,
    exchangeId,
    contentId: contentId.optional(),
    keyIds: z.array(keyId),
    reason: z.string(),
    subject: z.string().optional(),
    address: z.string().optional(),
    count: z.number().int().min(1).describe('how many like it this record stands for'),
  }),
);
export const deliveryCounted = event(
  'delivery.counted.v1',
  z.object({
    tenant: tenantId,
    contentId,
    keyId,
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    delivered: z.number().int(),
    /** Where each delivery has a record of its own. */
    exchangeId: exchangeId.optional(),
    subject: z.string().optional(),
    address: z.string().optional(),
  }),
);

const rotation = z.object({
  tenant: tenantId,
  contentId,
  lastKeyIds: z.array(keyId),
  lastPeriodIndex: z.number().int().optional(),
  cadenceMs: z.number().describe('how often the content has asked for its next key'),
  dueAt: z.iso.datetime(),
});
export const rotationMissed = event('rotation.missed.v1', rotation);
export const rotationLate = event('rotation.late.v1', rotation);
export const rotationRecovered = event('rotation.recovered.v1', rotation);

export const configurationLoaded = event(
  'configuration.loaded.v1',
  z.object({
    service: z.string(),
    tenants: z.number().int().describe('how many are in force; 0 of the monitor, which reads none'),
    digest: z
      .string()
      .describe("SHA-256 of what is in force, the tenants or the console's access rules, without what is in it"),
    warnings: z
      .array(z.string())
      .describe('what an operator should know, also what is configured and wrong, and so not in force'),
  }),
);

/** Every event there is, for the monitor, the documentation and the NATS permissions. */
export const EVENTS = {
  keyIssued,
  keyReissued,
  keyReleased,
  keyImported,
  keyRevoked,
  keyRefused,
  keyTampered,
  auditVoided,
  exchangeCompleted,
  exchangeRejected,
  exchangeFailed,
  deliveryDenied,
  deliveryCounted,
  rotationMissed,
  rotationLate,
  rotationRecovered,
  configurationLoaded,
} as const;
export type LatchkeyEvent = {
  [Name in keyof typeof EVENTS]: z.infer<(typeof EVENTS)[Name]['payload']>;
}[keyof typeof EVENTS];
