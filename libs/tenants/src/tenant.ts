import { z } from 'zod';
import { deliverySchema } from './delivery';
import { encryptorsSchema, limitsSchema } from './encryptors';
import { policySchema } from './policy';
import { keysSchema } from './retention';
import { signalingSchema } from './signaling';

export const tenantSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'a tenant is 1 to 64 of a-z 0-9 _ -'),
  encryptors: encryptorsSchema,
  limits: limitsSchema.prefault({}),
  policy: policySchema.prefault({}),
  keys: keysSchema.prefault({}),
  signaling: signalingSchema.prefault({}),
  delivery: deliverySchema.prefault({}),
});
export type Tenant = z.infer<typeof tenantSchema>;

export const tenantsFileSchema = z.strictObject({ tenants: z.array(tenantSchema).min(1) });

/** The tenant of a system that has none configured. */
export const DEFAULT_TENANT = 'default';

export function defaultTenant(): Tenant {
  return tenantSchema.parse({ id: DEFAULT_TENANT });
}
