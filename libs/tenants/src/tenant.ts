import { CLEAR_KEY_SYSTEMS, SYSTEM_IDS } from '@latchkey/cenc';
import { z } from 'zod';
import { deliverySchema } from './delivery';
import { credentialName, encryptorsSchema, limitsSchema } from './encryptors';
import { policySchema } from './policy';
import { keysSchema } from './retention';
import { signalingSchema } from './signaling';

/** Whose requests these are before anybody has proved who it is, in events and audit records. Nobody may be called so. */
export const UNKNOWN_TENANT = 'unknown';

export const tenantSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'a tenant is 1 to 64 of a-z 0-9 _ -')
      .refine((id) => id !== UNKNOWN_TENANT, `no tenant is called ${UNKNOWN_TENANT}`)
      .describe('its name: in key URLs, store keys, events and metrics'),
    encryptors: encryptorsSchema.describe('how its encryptors prove who they are (docs/encryptors.md)'),
    limits: limitsSchema.prefault({}).describe('how much it may ask'),
    policy: policySchema.prefault({}).describe('what it may ask for'),
    keys: keysSchema.prefault({}).describe('where its content keys come from, and how long they are kept'),
    signaling: signalingSchema.prefault({}).describe('what its DRM systems say (docs/signaling.md)'),
    delivery: deliverySchema.prefault({}).describe('who among players gets keys (docs/delivery.md)'),
  })
  .superRefine(refuseTestKeysElsewhere);
export type Tenant = z.infer<typeof tenantSchema>;

/** What Microsoft's test server licenses, and what needs no licence. */
const OF_THE_TEST_SERVER = new Set([SYSTEM_IDS.playready, SYSTEM_IDS.common, ...CLEAR_KEY_SYSTEMS]);

/** Keys that anybody can make must not come to protect anything: not by another licence server, not by another DRM system. */
function refuseTestKeysElsewhere({ keys, policy, signaling }: TestKeySettings, context: z.RefinementCtx): void {
  if (keys.source !== 'playready-test-seed') return;
  const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  const source = 'keys.source: playready-test-seed';
  if (!signaling.playready.testServer) {
    refuse(
      ['signaling', 'playready', 'testServer'],
      `${source} is for content that the PlayReady test server licenses: set it to true`,
    );
  }
  if (policy.keyIdOverride.mode === 'fixed') {
    refuse(['policy', 'keyIdOverride'], `${source} and fixed keys are two sources of keys: give one of them`);
  }
  if (!policy.drmSystems?.every((system) => OF_THE_TEST_SERVER.has(system))) {
    refuse(
      ['policy', 'drmSystems'],
      `${source} wants a list of DRM systems that has only PlayReady and clear-key systems in it`,
    );
  }
}

type TestKeySettings = {
  keys: z.infer<typeof keysSchema>;
  policy: z.infer<typeof policySchema>;
  signaling: z.infer<typeof signalingSchema>;
};

export const tenantsFileSchema = z.strictObject({
  tenants: z.array(tenantSchema).min(1).superRefine(refuseSharedCredentials),
});

/** A credential that two could show would let one tenant's requests be the other's. */
function refuseSharedCredentials(tenants: Tenant[], context: z.RefinementCtx): void {
  const owners = new Map<string, string>();
  for (const { id, encryptors } of tenants) {
    for (const credential of encryptors) {
      const name = credentialName(credential);
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, id);
      else
        context.addIssue({
          code: 'custom',
          message: `tenants ${owner} and ${id} share the credential ${credential.id}`,
        });
    }
  }
}

/** The tenant of a system that has none configured. */
export const DEFAULT_TENANT = 'default';

export function defaultTenant(): Tenant {
  return tenantSchema.parse({ id: DEFAULT_TENANT });
}
