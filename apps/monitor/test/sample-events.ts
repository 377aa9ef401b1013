import { randomUUID } from 'node:crypto';
import { parseKeyId, type KeyId } from '@latchkey/cenc';
import { exchangeCompleted, keyIssued } from '@latchkey/messages';
import type { z } from 'zod';

export const newKeyId = (): KeyId => parseKeyId(randomUUID());

export interface IssuedSample {
  readonly tenant?: string;
  readonly contentId?: string;
  readonly exchangeId?: string;
  readonly keyIds?: readonly KeyId[];
  readonly index?: number;
  readonly start?: string;
  readonly end?: string;
  readonly time?: Date;
  readonly writer?: string;
  readonly sequence?: number;
  readonly clearDelivery?: boolean;
}

/** A key.issued event as key-service states it. */
export function issued(sample: IssuedSample = {}): z.output<typeof keyIssued.payload> {
  const { tenant = 'default', contentId = 'channel-1', time = new Date(), writer = 'key-service/a' } = sample;
  const { index, start, end } = sample;
  const period = { ...(index !== undefined && { index }), ...(start && { start }), ...(end && { end }) };
  return keyIssued.payload.parse({
    specversion: '1.0',
    id: randomUUID(),
    source: '/latchkey/key-service/a',
    type: keyIssued.type,
    time: time.toISOString(),
    subject: `${tenant}/${contentId}`,
    datacontenttype: 'application/json',
    data: {
      tenant,
      contentId,
      exchangeId: sample.exchangeId ?? randomUUID(),
      spekeVersion: '2.0',
      requester: { encryptorId: 'packager-1', userAgent: 'AWS Elemental MediaPackage', address: '10.0.0.7' },
      keys: (sample.keyIds ?? [newKeyId()]).map((keyId) => ({
        keyId,
        scheme: 'cbcs',
        intendedTrackType: 'VIDEO',
        ...(index !== undefined && { period }),
        ...(sample.clearDelivery && { clearDelivery: true }),
      })),
      systems: ['edef8ba9-79d6-4ace-a3c8-27dcd51d21ed'],
      delivery: 'recipients',
      writer,
      sequence: sample.sequence ?? ++sequence,
    },
  });
}

let sequence = 0;

/** An exchange.completed event as the gateway states it. */
export function completed(
  sample: {
    tenant?: string;
    contentId?: string;
    exchangeId?: string;
    keyIds?: readonly KeyId[];
    durationMs?: number;
    time?: Date;
  } = {},
): z.output<typeof exchangeCompleted.payload> {
  const { tenant = 'default', contentId = 'channel-1', time = new Date(), exchangeId = randomUUID() } = sample;
  return exchangeCompleted.payload.parse({
    specversion: '1.0',
    // As the gateway has it.
    id: exchangeId,
    source: '/latchkey/speke-gateway/a',
    type: exchangeCompleted.type,
    time: time.toISOString(),
    datacontenttype: 'application/json',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    data: {
      tenant,
      contentId,
      exchangeId,
      requester: { encryptorId: 'packager-1' },
      spekeVersion: '2.0',
      resource: 'copyProtection',
      keyIds: sample.keyIds ?? [newKeyId()],
      systems: ['edef8ba9-79d6-4ace-a3c8-27dcd51d21ed'],
      status: 200,
      durationMs: sample.durationMs ?? 4.2,
      hops: [
        { name: 'keys.v1.issue', ms: 2.1 },
        { name: 'signaling.v1.widevine', ms: 0.9 },
      ],
    },
  });
}
