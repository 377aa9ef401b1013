import { SYSTEM_IDS } from '@latchkey/cenc';
import type { EventContract } from './contract';
import * as events from './events';
import * as keys from './keys';
import { signalingFor } from './signaling';

/** What one service may say and hear on the bus: deploy/nats gives it that and nothing more. */
export interface ServiceRole {
  readonly asks: readonly { readonly subject: string }[];
  readonly answers: readonly { readonly subject: string }[];
  readonly publishes: readonly EventContract[];
  readonly hears: readonly { readonly subject: string; readonly durable?: string }[];
}

/** Any DRM system, also one that a vendor adds. */
const ANY_SIGNALING = { subject: 'signaling.v1.*' };

export const SERVICES = {
  'speke-gateway': {
    asks: [
      keys.issueKeys,
      keys.importKeys,
      keys.sealingKey,
      keys.revokeKeys,
      keys.recordRefusal,
      keys.putDocument,
      keys.getDocument,
      keys.deleteDocument,
      ANY_SIGNALING,
    ],
    answers: [],
    publishes: [events.exchangeCompleted, events.exchangeRejected, events.exchangeFailed, events.configurationLoaded],
    hears: [],
  },
  'key-service': {
    asks: [],
    answers: [
      keys.issueKeys,
      keys.releaseKeys,
      keys.importKeys,
      keys.sealingKey,
      keys.revokeKeys,
      keys.describeContent,
      keys.shredContent,
      keys.recordRefusal,
      keys.putDocument,
      keys.getDocument,
      keys.deleteDocument,
    ],
    publishes: [
      events.keyIssued,
      events.keyReissued,
      events.keyReleased,
      events.keyImported,
      events.keyRevoked,
      events.keyRefused,
      events.keyTampered,
      events.auditVoided,
      events.configurationLoaded,
    ],
    hears: [],
  },
  'signaling-widevine': signaling('widevine'),
  'signaling-playready': signaling('playready'),
  'signaling-fairplay': signaling('fairplay'),
  // Beside its own systems, those for which a tenant wants no more than a box with the key IDs.
  'signaling-clearkey': { asks: [], answers: [ANY_SIGNALING], publishes: [], hears: [] },
  'key-delivery': {
    asks: [keys.releaseKeys],
    answers: [],
    publishes: [events.deliveryDenied, events.deliveryCounted, events.configurationLoaded],
    hears: [events.keyIssued, events.keyRevoked],
  },
  monitor: {
    asks: [keys.sealingKey, keys.describeContent, keys.revokeKeys, keys.shredContent, ANY_SIGNALING],
    answers: [],
    publishes: [events.rotationMissed, events.rotationLate, events.rotationRecovered, events.configurationLoaded],
    hears: [{ subject: 'event.>', durable: 'monitor' }],
  },
} as const satisfies Record<string, ServiceRole>;
export type ServiceName = keyof typeof SERVICES;

/** A DRM system's service: it answers its own subject, and never hears of a key. */
function signaling(system: keyof typeof SYSTEM_IDS): ServiceRole {
  return { asks: [], answers: [signalingFor(SYSTEM_IDS[system])], publishes: [], hears: [] };
}
