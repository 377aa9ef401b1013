import type { z } from 'zod';
import { credentialName } from './encryptors';
import { tenantSchema, type Tenant } from './tenant';

/** A tenant as a table keeps it: one row each. */
export interface TenantRow {
  readonly id: string;
  /** Grows with every change of any row; 0: written by somebody who does not count. */
  readonly version: number;
  /** The tenant as in the tenants file, as JSON. */
  readonly document: string;
}

/** Why a row is not in force. */
export interface TenantRowFault {
  readonly id: string;
  /** One line. Names what is wrong, and nothing of what is in it. */
  readonly message: string;
}

export interface TenantsOfRows {
  /** By ID. */
  readonly tenants: readonly Tenant[];
  readonly faults: readonly TenantRowFault[];
}

/**
 * Rows become tenants one by one, so that a wrong one harms nobody else: where a row is wrong its last good one stays in
 * force, for as long as there is a row. A row that has not changed gives the same object again.
 */
export class TenantRows {
  #parsed = new Map<string, { document: string; result: Tenant | TenantRowFault }>();
  #inForce = new Map<string, Tenant>();

  take(rows: readonly TenantRow[]): TenantsOfRows {
    const parsed = new Map(rows.map((row) => [row.id, { document: row.document, result: this.#resultOf(row) }]));
    const credentials = new CredentialOwners();
    const inForce = new Map<string, Tenant>();
    const faults: TenantRowFault[] = [];
    for (const { id } of [...rows].sort(bySeniority)) {
      const result = parsed.get(id)?.result as Tenant | TenantRowFault;
      const fault = 'message' in result ? result : credentials.faultOf(result);
      const tenant = 'message' in result || fault ? this.#lastGood(id, credentials) : result;
      if (fault) faults.push({ id, message: `${fault.message}; ${tenant ? STAYS : NOT_SERVED}` });
      if (!tenant) continue;
      credentials.add(tenant);
      inForce.set(id, tenant);
    }
    this.#parsed = parsed;
    this.#inForce = inForce;
    return { tenants: [...inForce.values()].sort(byId), faults: faults.sort(byId) };
  }

  #resultOf(row: TenantRow): Tenant | TenantRowFault {
    const known = this.#parsed.get(row.id);
    return known?.document === row.document ? known.result : tenantOfRow(row);
  }

  #lastGood(id: string, credentials: CredentialOwners): Tenant | undefined {
    const tenant = this.#inForce.get(id);
    return tenant && !credentials.faultOf(tenant) ? tenant : undefined;
  }
}

const STAYS = 'its last good version stays in force';
const NOT_SERVED = 'it is not served';

/** What the tenants file says of a tenant, checked as there. */
function tenantOfRow({ id, document }: TenantRow): Tenant | TenantRowFault {
  let content: unknown;
  try {
    content = JSON.parse(document);
  } catch {
    return { id, message: 'its document is not JSON' };
  }
  const parsed = tenantSchema.safeParse(content);
  if (!parsed.success) return { id, message: oneLine(parsed.error) };
  if (parsed.data.id !== id) return { id, message: 'its document has another id' };
  const twice = twiceIn(parsed.data.encryptors.map(credentialName));
  return twice ? { id, message: `its encryptors share the credential of ${idOf(parsed.data, twice)}` } : parsed.data;
}

/** A credential that two could show would let one tenant's requests be the other's: whoever had it first keeps it. */
class CredentialOwners {
  readonly #owners = new Map<string, string>();

  add(tenant: Tenant): void {
    for (const credential of tenant.encryptors) this.#owners.set(credentialName(credential), tenant.id);
  }

  faultOf(tenant: Tenant): TenantRowFault | undefined {
    const name = tenant.encryptors.map(credentialName).find((each) => this.#owners.has(each));
    if (name === undefined) return undefined;
    const owner = this.#owners.get(name) as string;
    return { id: tenant.id, message: `shares the credential ${idOf(tenant, name)} with tenant ${owner}` };
  }
}

function idOf({ encryptors }: Tenant, name: string): string {
  return encryptors.find((each) => credentialName(each) === name)?.id ?? '';
}

function twiceIn(names: readonly string[]): string | undefined {
  return names.find((name, at) => names.indexOf(name) !== at);
}

/** Every process must come to the same: the oldest change first, those that nobody counted last. */
function bySeniority(a: TenantRow, b: TenantRow): number {
  return (a.version || Infinity) - (b.version || Infinity) || byId(a, b);
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function oneLine(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': ')).join('; ');
}
