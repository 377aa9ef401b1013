import { z } from 'zod';
import { shortText } from './at-once';
import { defineRequest } from './contract';
import {
  base64,
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

/** Keys per request: one bus message and one store transaction (DynamoDB takes 100 items in one). */
export const MAX_KEYS_PER_REQUEST = 64;

/**
 * How keys leave key-service. `recipients`: encrypted for the certificates that came with the request, so that nobody
 * between can read them. `sealed`: to the ephemeral public key of the process that asks (see sealed-key.ts).
 */
export const keyDelivery = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('recipients'), certificates: z.array(base64).min(1).max(32) }),
  z.object({ kind: z.literal('sealed'), publicKey: base64 }),
]);
export type KeyDelivery = z.infer<typeof keyDelivery>;

/** A key for one recipient's document key: CPIX 2.3, "Key Encryption and Authentication". */
export const encryptedSecret = z.object({
  kind: z.literal('encrypted'),
  /** IV[16] then AES-256-CBC of the key under the document key: 48 bytes. */
  cipherValue: base64,
  /** HMAC-SHA512 over cipherValue under the MAC key: 64 bytes. */
  valueMac: base64,
});
/** A key for the asking process: with all others of its answer in the answer's one box. */
export const sealedSecret = z.object({ kind: z.literal('sealed') });
export const secret = z.discriminatedUnion('kind', [encryptedSecret, sealedSecret]);
export type Secret = z.infer<typeof secret>;

/** The document key and MAC key for one certificate of the request, in the order of the certificates. */
export const recipientKeys = z.object({
  documentKey: base64,
  documentKeyMac: base64,
  macKey: base64,
  macKeyMac: base64,
});
export type RecipientKeys = z.infer<typeof recipientKeys>;

export const requestedKey = z.object({
  keyId,
  scheme: protectionScheme.optional(),
  /** What the encryptor brought: kept as the key's IV if the key is new and has none. */
  explicitIv: base64.optional(),
  /** The answer must carry an IV (FairPlay, cbcs): one is made with the key if the encryptor brought none. */
  needsExplicitIv: z.boolean(),
  period: keyPeriod.optional(),
  intendedTrackType: shortText(256).optional(),
  /** Those of the request's systems that signal this key; absent: all of them. */
  systems: z.array(systemId).max(64).optional(),
});
export type RequestedKey = z.infer<typeof requestedKey>;

export const issuedKey = z.object({
  /** As asked. */
  requestedKeyId: keyId,
  /** As answered: another one only where the tenant overrides key IDs. */
  keyId,
  explicitIv: base64.optional(),
  /** PlayReady's CHECKSUM for that key and key ID: 8 bytes. Signaling gets it in place of the key. */
  checksum: base64,
  secret,
  created: z.boolean(),
});
export type IssuedKey = z.infer<typeof issuedKey>;

/** Get the keys of a content, making those that do not exist yet: all or none. Asking twice gives the same keys. */
export const issueKeys = defineRequest({
  subject: 'keys.v1.issue',
  timeoutMs: 2_000,
  request: z.object({
    tenant: tenantId,
    contentId,
    exchangeId,
    spekeVersion,
    requester,
    keys: z.array(requestedKey).min(1).max(MAX_KEYS_PER_REQUEST),
    /** What the request wants signaling for. A clear-key system among them lets key-delivery have the keys from now on. */
    systems: z.array(systemId).max(64),
    delivery: keyDelivery,
    /** Make none: a key that is not there is KEY_NOT_FOUND, for readers of a document that was answered before. */
    onlyExisting: z.boolean().optional(),
  }),
  reply: z.object({
    /** In the order asked. */
    keys: z.array(issuedKey),
    /** With `recipients` delivery, in the order of the certificates. */
    recipients: z.array(recipientKeys).optional(),
    /** With `sealed` delivery: key-service's ephemeral public key. */
    sealedBy: base64.optional(),
    /** With `sealed` delivery: all keys, in their order. AES-256-GCM, nonce[12] then ciphertext[16 for each key] then tag[16]. */
    box: base64.optional(),
  }),
});
export type IssueRequest = z.infer<typeof issueKeys.request>;
export type IssueReply = z.infer<typeof issueKeys.reply>;

/**
 * Give stored keys to key-delivery. Unknown, expired and revoked ones are left out; it never makes a key. Neither are those given that
 * were never issued for a clear-key system, unless the tenant's delivery section says so.
 */
export const releaseKeys = defineRequest({
  subject: 'keys.v1.release',
  timeoutMs: 2_000,
  request: z.object({
    tenant: tenantId,
    contentId,
    exchangeId,
    keyIds: z.array(keyId).min(1).max(MAX_KEYS_PER_REQUEST),
    /** Why: a player asked, or a cache is being warmed before a period begins. */
    reason: z.enum(['player', 'warm']),
    /** Whom the entitlement names, for the audit record; never the token. */
    subject: z.string().max(256).optional(),
    publicKey: base64,
  }),
  reply: z.object({
    keys: z.array(
      z.object({
        keyId,
        box: base64,
        explicitIv: base64.optional(),
        /** Epoch milliseconds: past it the key is gone, cached or not. Absent: kept for ever. */
        expiresAt: z.number().int().optional(),
        /** Issued for DRM systems alone, and given because the tenant says so. */
        drmOnly: z.boolean().optional(),
      }),
    ),
    sealedBy: base64,
    /** Keys that exist and were issued for DRM systems alone: for records and metrics. Players are told what they are told of unknown ones. */
    withheld: z.array(keyId).optional(),
  }),
});
export type ReleaseRequest = z.infer<typeof releaseKeys.request>;
export type ReleaseReply = z.infer<typeof releaseKeys.reply>;

/** Bring keys of one's own. A key ID that exists with another key is a CONFLICT and nothing is imported. */
export const importKeys = defineRequest({
  subject: 'keys.v1.import',
  timeoutMs: 2_000,
  request: z.object({
    tenant: tenantId,
    contentId,
    exchangeId,
    requester,
    /** Sealed to key-service's public key as `keys.v1.sealing-key` gives it: a clear key never crosses the bus. */
    sealedBy: base64,
    keys: z
      .array(
        z.object({
          keyId,
          box: base64,
          scheme: protectionScheme.optional(),
          explicitIv: base64.optional(),
          period: keyPeriod.optional(),
          intendedTrackType: shortText(256).optional(),
          /** Those of `systems` that signal this key; absent: all of them. */
          systems: z.array(systemId).max(64).optional(),
        }),
      )
      .min(1)
      .max(MAX_KEYS_PER_REQUEST),
    /** What the keys are for: a clear-key system among them lets key-delivery have them. Absent: for DRM systems alone. */
    systems: z.array(systemId).max(64).optional(),
  }),
  reply: z.object({ imported: z.number().int(), unchanged: z.number().int() }),
});

/** The public key to which keys on their way in are sealed. */
export const sealingKey = defineRequest({
  subject: 'keys.v1.sealing-key',
  timeoutMs: 1_000,
  request: z.object({}),
  reply: z.object({ publicKey: base64 }),
});

/** Revoke some or all keys of a content: they are never issued or released again; the rows stay as evidence. */
export const revokeKeys = defineRequest({
  subject: 'keys.v1.revoke',
  timeoutMs: 2_000,
  request: z.object({
    tenant: tenantId,
    contentId,
    exchangeId,
    requester,
    keyIds: z.array(keyId).max(MAX_KEYS_PER_REQUEST).optional(),
    reason: z.string().max(256).optional(),
  }),
  reply: z.object({ revoked: z.number().int() }),
});

/** What is known of a content's keys, by pages: never key material. The ops API's schedule and shred preview are made of it. */
export const describeContent = defineRequest({
  subject: 'keys.v1.describe',
  timeoutMs: 2_000,
  request: z.object({
    tenant: tenantId,
    contentId,
    limit: z.number().int().min(1).max(1_000).optional(),
    cursor: z.string().max(4_096).optional(),
  }),
  reply: z.object({
    keys: z.array(
      z.object({
        keyId,
        requestedKeyId: keyId.optional(),
        scheme: protectionScheme.optional(),
        explicitIv: base64.optional(),
        period: keyPeriod.optional(),
        intendedTrackType: z.string().optional(),
        createdAt: z.number().int(),
        expiresAt: z.number().int().optional(),
        revokedAt: z.number().int().optional(),
        origin: z.enum(['random', 'derived', 'imported', 'playready-test-seed']),
      }),
    ),
    cursor: z.string().optional(),
  }),
});

/** Make a content's keys unreadable for ever, or with `preview` say which would be. */
export const shredContent = defineRequest({
  subject: 'keys.v1.shred',
  timeoutMs: 5_000,
  request: z.object({ tenant: tenantId, contentId, exchangeId, requester, preview: z.boolean() }),
  reply: z.object({ keyIds: z.array(keyId), truncated: z.boolean() }),
});

/**
 * The stored documents of the CPIX resource (`/copyProtectionData/{contentId}`): the request as it came, without keys.
 * key-service owns them because it owns the one store; `etag` is opaque.
 */
export const storedDocument = z.object({ spekeVersion, document: z.string(), etag: z.string() });

export const putDocument = defineRequest({
  subject: 'documents.v1.put',
  timeoutMs: 2_000,
  request: z.object({
    tenant: tenantId,
    contentId,
    spekeVersion,
    document: z.string().max(300_000),
    /** Refuse with PRECONDITION_FAILED unless the stored one has this tag; `*`: any; null: none must exist (else CONFLICT). */
    ifMatch: z.string().nullable().optional(),
  }),
  reply: z.object({ etag: z.string(), created: z.boolean() }),
});

export const getDocument = defineRequest({
  subject: 'documents.v1.get',
  timeoutMs: 2_000,
  request: z.object({ tenant: tenantId, contentId }),
  reply: z.object({ stored: storedDocument.nullable() }),
});

export const deleteDocument = defineRequest({
  subject: 'documents.v1.delete',
  timeoutMs: 2_000,
  request: z.object({ tenant: tenantId, contentId, ifMatch: z.string().optional() }),
  reply: z.object({ deleted: z.boolean() }),
});

/** A refusal at the door, kept as durably as an issuance. */
export const recordRefusal = defineRequest({
  subject: 'audit.v1.refuse',
  timeoutMs: 2_000,
  request: z.object({
    tenant: tenantId,
    contentId: contentId.optional(),
    keyIds: z.array(keyId).max(MAX_KEYS_PER_REQUEST),
    exchangeId,
    requester,
    /** A stable code: of libs/speke's catalogue, or of the door that refused. */
    code: z.string().max(64),
  }),
  reply: z.object({}),
});
