import { contentId, keyId, spekeVersion, tenantId } from '@latchkey/messages';
import { HttpProblem } from '@latchkey/http';
import { z } from 'zod';
import { maySee, type Principal } from '../access/principal';

const lowerCase = z.string().transform((text) => text.trim().toLowerCase());
const limit = z.coerce.number().int().min(1).max(1_000).default(50);
const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString());

/** Query strings and bodies of the API. */
export const asked = {
  tenant: z.object({ tenant: tenantId.optional() }),
  page: z.object({ tenant: tenantId.optional(), limit, cursor: z.string().max(4_096).optional() }),
  exchanges: z.object({
    tenant: tenantId.optional(),
    contentId: contentId.optional(),
    limit,
    cursor: z.string().max(4_096).optional(),
  }),
  ledger: z.object({
    tenant: tenantId.optional(),
    keyId: lowerCase.pipe(keyId).optional(),
    contentId: contentId.optional(),
    exchangeId: z.string().max(64).optional(),
    from: time.optional(),
    to: time.optional(),
    limit,
    cursor: z.string().max(4_096).optional(),
  }),
  exported: z.object({
    tenant: tenantId.optional(),
    format: z.enum(['csv', 'ndjson']).default('ndjson'),
    from: time.optional(),
    to: time.optional(),
  }),
  keyId: lowerCase.pipe(keyId),
  contentId,
  exchangeId: z.string().min(8).max(64),
  revocation: z.strictObject({
    keyIds: z.array(lowerCase.pipe(keyId)).min(1).max(64).optional(),
    reason: z.string().max(256).optional(),
  }),
  inspection: z.strictObject({ document: z.string().max(500_000), version: spekeVersion.optional() }),
  shredding: z.strictObject({
    preview: z.boolean(),
    /** The content ID once more: what cannot be undone is not done by a slip. */
    confirm: z.string().optional(),
  }),
};

/** Throws HttpProblem 400 that names what is wrong. */
export function read<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => [...path, message].join(': '));
  throw new HttpProblem(400, 'invalid-parameter', faults.join('; '));
}

/** Which tenants to look in: the one named, or all that the principal may see. Undefined: all there are. */
export function tenantsFor(principal: Principal, tenant: string | undefined): string[] | undefined {
  if (tenant !== undefined) return [insistOnTenant(principal, tenant)];
  return principal.tenants === 'all' ? undefined : [...principal.tenants];
}

/** The one tenant that is meant: named, or the only one that the principal has, or `default`. */
export function oneTenant(principal: Principal, tenant: string | undefined): string {
  if (tenant !== undefined) return insistOnTenant(principal, tenant);
  if (principal.tenants === 'all') return 'default';
  if (principal.tenants.size === 1) return [...principal.tenants][0] as string;
  throw new HttpProblem(400, 'invalid-parameter', 'tenant: say which');
}

function insistOnTenant(principal: Principal, tenant: string): string {
  if (!maySee(principal, tenant)) throw new HttpProblem(403, 'other-tenant', 'This tenant is not yours to see');
  return tenant;
}
