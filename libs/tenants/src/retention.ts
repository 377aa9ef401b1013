import { z } from 'zod';

/** A length of time: `90s`, `15m`, `36h`, `2d`; `keep` for ever. Becomes milliseconds, or undefined for `keep`. */
const retentionTime = z
  .string()
  .regex(/^(keep|[1-9]\d*(s|m|h|d))$/, 'a retention time is like 2d, 36h, 15m, 90s or keep')
  .transform((text) => (text === 'keep' ? undefined : Number(text.slice(0, -1)) * UNIT_MS[text.slice(-1) as Unit]));

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof UNIT_MS;

export const keysSchema = z.strictObject({
  source: z
    .enum(['random', 'derived', 'playready-test-seed'])
    .default('random')
    .describe(
      "`derived`: HKDF from a tenant root secret, for active-active regions (docs/decisions). `playready-test-seed`: the keys of Microsoft's public PlayReady test server, which anybody can make: never for production, and only together with `signaling.playready.testServer` and a `policy.drmSystems` without other DRM systems.",
    ),
  retention: z
    .strictObject({
      live: retentionTime.prefault('2d').describe('keys with a live period'),
      catchUp: retentionTime.prefault('14d').describe('keys of content that stays to be seen again'),
      vod: retentionTime.prefault('keep').describe('keys with no period, or with offsets'),
      classes: z
        .array(
          z.strictObject({
            contentId: z.string().describe('`*` stands for any text'),
            class: z.enum(['live', 'catchUp', 'vod']),
          }),
        )
        .default([])
        .describe('content IDs (`*` stands for any text) whose class is not what their period says'),
    })
    .prefault({}),
});
export type TenantKeys = z.infer<typeof keysSchema>;
