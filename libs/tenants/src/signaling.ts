import { isSystemId, PROTECTION_SCHEMES, SYSTEM_IDS, type ProtectionScheme, type SystemId } from '@latchkey/cenc';
import { z } from 'zod';

/** Stands in an HLS quoted-string and in a URL as it is. */
const urlText = z
  .string()
  .max(2_048)
  .regex(/^[\x21\x23-\x7e]+$/, 'a URL holds no space, no quote and only ASCII');

/**
 * A URL with placeholders: {tenant}, {contentId}, {kid} (lower-case UUID), {kidHex} (32 hex digits), {iv} (32 hex digits),
 * {base} (DELIVERY_BASE_URL). What takes their place is percent-encoded.
 */
function template(placeholders: readonly string[]) {
  return urlText.superRefine((text, context) => {
    for (const [written, name] of text.matchAll(/\{([^{}]*)\}/g)) {
      if (placeholders.includes(name as string)) continue;
      context.addIssue(`${written} is no placeholder here: there are {${placeholders.join('} {')}}`);
    }
  });
}

const contentUrl = template(['tenant', 'contentId'])
  .refine((text) => URL.canParse(text), 'not an absolute URL')
  .refine((text) => !text.includes('&amp;'), 'write & as it is: it is escaped where the header is written');
const clearKeyUrl = template(['base', 'tenant', 'contentId', 'kid', 'kidHex']);
const assetUri = template(['tenant', 'contentId', 'kid', 'kidHex', 'iv']).startsWith('skd://');

/** `own`: a box about its own key ID. `all`: about all of the document that are protected alike. */
const boxKeyIds = z.enum(['own', 'all']).default('own');
const schemes = z.array(z.enum(PROTECTION_SCHEMES)).min(1).default(['cenc', 'cbcs']);

/** Elements by name: text, or elements again. It is written as canonical XML. */
const xmlName = z.string().regex(/^[A-Za-z_][A-Za-z0-9._-]*$/, 'not an XML element name');
// XML 1.0 has no way to write these, escaped or not.
// oxlint-disable-next-line no-control-regex
const xmlText = z.string().regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]*$/, 'not XML text');
export type XmlElements = { [name: string]: string | XmlElements };
const xmlElements: z.ZodType<XmlElements> = z.record(
  xmlName,
  z.union([xmlText, z.lazy((): z.ZodType<XmlElements> => xmlElements)]),
);

/** PlayReady Header Specification: 1 KB, in UTF-16. */
const MAX_CUSTOM_ATTRIBUTES_BYTES = 1_024;

function xmlBytes(content: string | XmlElements): number {
  if (typeof content === 'string') return 2 * content.length;
  return Object.entries(content).reduce((sum, [name, child]) => sum + 2 * (2 * name.length + 5) + xmlBytes(child), 0);
}

const systemId = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.custom<SystemId>(isSystemId, 'not a system ID'));

export const signalingSchema = z.strictObject({
  speke1Scheme: z
    .enum(['cenc', 'cbcs'])
    .default('cenc')
    .describe('SPEKE 1 does not say how a key is used; this is what Widevine and PlayReady assume'),
  hlsIv: z
    .boolean()
    .default(false)
    .describe(
      "write the key's explicit IV into HLS tags, for packagers that copy them as they are. FairPlay's IV never is.",
    ),
  widevine: z
    .strictObject({
      provider: z.string().max(256).optional().describe('of the Widevine account, into the pssh data'),
      policy: z.string().max(256).optional().describe('of the Widevine account, into the pssh data'),
      contentId: z.boolean().default(false).describe('put the content ID into the pssh data'),
      keyIds: boxKeyIds,
      schemes,
    })
    .prefault({}),
  playready: z
    .strictObject({
      laUrl: contentUrl.optional().describe('where licences are: LA_URL, with {tenant} and {contentId}'),
      luiUrl: contentUrl.optional().describe('where a person is sent for a licence: LUI_URL'),
      dsId: z
        .string()
        .refine((text) => /^[A-Za-z0-9+/]{22}==$/.test(text), 'a DS_ID is the base64 of 16 bytes')
        .optional()
        .describe('base64 of 16 bytes'),
      customAttributes: xmlElements
        .refine((elements) => xmlBytes(elements) <= MAX_CUSTOM_ATTRIBUTES_BYTES, 'CUSTOMATTRIBUTES hold at most 1 KB')
        .optional()
        .describe('elements by name, at most 1 KB as XML'),
      keyIds: boxKeyIds,
      schemes,
      testServer: z
        .boolean()
        .default(false)
        .describe(
          "LA_URL of Microsoft's public test server, which licenses keys made from its published test key seed and no others: it goes with `keys.source: playready-test-seed`, or with fixed keys made from that seed. Never for production.",
        ),
    })
    .refine(
      (playready) => !(playready.testServer && playready.laUrl),
      'testServer brings its own laUrl: give one of them',
    )
    .prefault({}),
  fairplay: z
    .strictObject({
      uri: z
        .union([z.enum(['mediapackage', 'kid', 'kid-iv']), assetUri], {
          error: 'mediapackage, kid, kid-iv, or skd:// with {tenant} {contentId} {kid} {kidHex} {iv}',
        })
        .default('mediapackage')
        .describe('`mediapackage`, `kid`, `kid-iv`, or a template that begins with skd://'),
    })
    .prefault({}),
  clearkey: z
    .strictObject({
      keyUrl: clearKeyUrl
        .default('{base}/keys/{tenant}/{contentId}/{kid}')
        .describe('key URLs, with {base} {tenant} {contentId} {kid} {kidHex}'),
      licenseUrl: clearKeyUrl.default('{base}/clearkey/{tenant}/{contentId}').describe('licence URLs, likewise'),
      psshElement: z
        .enum(['prefix', 'default-namespace'])
        .default('prefix')
        .describe('`prefix`: <cenc:pssh>; `default-namespace`: <pssh xmlns=…>, for Unified Streaming'),
      keyIds: boxKeyIds.describe('of the common box. A ClearKey CDM reads only the first one of an init segment.'),
    })
    .prefault({}),
  keyIdBoxesFor: z
    .array(systemId)
    .default([])
    .describe('system IDs without a public payload for which a version 1 box that lists the key IDs is wanted'),
  vendorSystems: z
    .array(systemId)
    .default([])
    .describe("system IDs that a service of the vendor's own answers for (docs/add-a-drm-system.md)"),
});
export type TenantSignaling = z.infer<typeof signalingSchema>;

/** What a document may ask for because the tenant's signaling is configured so. */
export interface ConfiguredSystems {
  /** Systems beside those that Latchkey signals by itself. */
  readonly foreignSystems: readonly SystemId[];
  /** Schemes of systems whose schemes are configured. */
  readonly schemes: ReadonlyMap<SystemId, readonly ProtectionScheme[]>;
}

/** The same object for the same settings: it is looked at with every request. */
export function configuredSystems(signaling: TenantSignaling): ConfiguredSystems {
  const known = CONFIGURED.get(signaling);
  if (known) return known;
  const systems: ConfiguredSystems = {
    foreignSystems: [...signaling.keyIdBoxesFor, ...signaling.vendorSystems],
    schemes: new Map([
      [SYSTEM_IDS.widevine, signaling.widevine.schemes],
      [SYSTEM_IDS.playready, signaling.playready.schemes],
    ]),
  };
  CONFIGURED.set(signaling, systems);
  return systems;
}

const CONFIGURED = new WeakMap<TenantSignaling, ConfiguredSystems>();
