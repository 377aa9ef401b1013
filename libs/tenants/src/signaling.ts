import { z } from 'zod';

/**
 * Templates know {tenant}, {contentId}, {kid} (lower-case UUID), {kidHex} (32 hex digits), {iv} (32 hex digits) and, for
 * clear keys, {base} (DELIVERY_BASE_URL); values are percent-encoded where they stand in a URL.
 */
const template = z.string().min(1).max(2_048);

export const signalingSchema = z.strictObject({
  widevine: z
    .strictObject({
      provider: z.string().optional(),
      policy: z.string().optional(),
      /** Put the content ID into the pssh data. */
      contentId: z.boolean().default(false),
    })
    .prefault({}),
  playready: z
    .strictObject({
      laUrl: z.url().optional(),
      luiUrl: z.url().optional(),
      /** Base64 of 16 bytes. */
      dsId: z.string().optional(),
      /** XML, at most 1 KB. */
      customAttributes: z.string().optional(),
      /** LA_URL of Microsoft's public test server. Never for production. */
      testServer: z.boolean().default(false),
    })
    .prefault({}),
  fairplay: z
    .strictObject({
      /** `mediapackage`, `kid`, `kid-iv`, or a template that begins with skd://. */
      uri: z.union([z.enum(['mediapackage', 'kid', 'kid-iv']), template.startsWith('skd://')]).default('mediapackage'),
    })
    .prefault({}),
  clearkey: z
    .strictObject({
      keyUrl: template.default('{base}/keys/{tenant}/{contentId}/{kid}'),
      licenseUrl: template.default('{base}/clearkey/{tenant}/{contentId}'),
      /** `prefix`: <cenc:pssh>; `default-namespace`: <pssh xmlns=…>, for Unified Streaming. */
      psshElement: z.enum(['prefix', 'default-namespace']).default('prefix'),
    })
    .prefault({}),
  /** System IDs without a public payload for which a version 1 box that lists the key IDs is wanted. */
  keyIdBoxesFor: z.array(z.string()).default([]),
});
export type TenantSignaling = z.infer<typeof signalingSchema>;
