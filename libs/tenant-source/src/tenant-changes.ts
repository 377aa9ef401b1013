import { isDeepStrictEqual } from 'node:util';
import { TenantRows, type TenantRow, type TenantRowFault } from '@latchkey/tenants';
import type { KeptTenantRow, TenantTable, TenantTableContent } from './tenant-table';

/** A change that is not made, and why: in words for an operator. */
export class TenantChangeError extends Error {
  override readonly name = 'TenantChangeError';
}

/** A tenant as somebody wants it: what the tenants file would say of it. */
export interface WantedTenant {
  readonly id: string;
  readonly content: unknown;
  /** What it was made from; undefined: it is new. */
  readonly version: number | undefined;
}

const MOST_TRIES = 10;

/**
 * Writes one tenant, if it is right beside all others and the row is still the one that it was made from. Gives its new version, or
 * undefined if the row says that already. Throws TenantChangeError.
 */
export function putTenant(table: TenantTable, wanted: WantedTenant, now = new Date()): Promise<number | undefined> {
  const document = JSON.stringify(wanted.content);
  return change(table, wanted, document, now, (content, current) => {
    if (current && isDeepStrictEqual(contentOf(current), wanted.content)) return 'done already';
    refuseFaults(content, { id: wanted.id, version: content.generation + 1, document });
    return 'to do';
  });
}

/** Takes one tenant out of service, if its row is still of that version. Throws TenantChangeError. */
export async function deleteTenant(table: TenantTable, id: string, version: number, now = new Date()): Promise<void> {
  await change(table, { id, version }, undefined, now, (_, current) => {
    if (!current) throw new TenantChangeError(`there is no tenant ${id}`);
    return 'to do';
  });
}

/** What a row says, if it is JSON. */
export function contentOf({ document }: TenantRow): unknown {
  try {
    return JSON.parse(document);
  } catch {
    return undefined;
  }
}

/** Another tenant's change is no reason to refuse this one, only to look at all of them again. */
async function change(
  table: TenantTable,
  { id, version }: Pick<WantedTenant, 'id' | 'version'>,
  document: string | undefined,
  now: Date,
  judge: (content: TenantTableContent, current: KeptTenantRow | undefined) => 'to do' | 'done already',
): Promise<number | undefined> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const content = await table.read();
    const current = content.rows.find((row) => row.id === id);
    if (judge(content, current) === 'done already') return undefined;
    if (current?.version !== version) throw conflict(id, version, current);
    const outcome = await table.change({ id, document, version }, content.generation, now);
    if (outcome.done) return outcome.version;
  }
  throw new TenantChangeError(`${table.name} changes all the time: try again`);
}

function conflict(id: string, version: number | undefined, current: KeptTenantRow | undefined): TenantChangeError {
  if (!current)
    return new TenantChangeError(`tenant ${id} is not there any more: it was deleted after version ${version}`);
  const { version: now, changed } = current;
  const is = `tenant ${id} is at version ${now}${changed && `, changed ${changed}`}`;
  if (version === undefined) return new TenantChangeError(`${is}: get it, change that, and put it`);
  return new TenantChangeError(`${is}; this was made from version ${version}: see diff, then get it anew`);
}

/** What would be wrong that is not wrong now, of whomever. */
function refuseFaults({ rows }: TenantTableContent, wanted: TenantRow): void {
  const known = faultsOf(rows);
  const would = faultsOf([...rows.filter(({ id }) => id !== wanted.id), wanted]);
  const fault =
    would.find(({ id }) => id === wanted.id) ?? would.find(({ id }) => !known.some((each) => each.id === id));
  if (fault) throw new TenantChangeError(`tenant ${fault.id}: ${fault.message}`);
}

/** By a reader that knows nothing from before. */
export function faultsOf(rows: readonly TenantRow[]): readonly TenantRowFault[] {
  return new TenantRows().take(rows).faults;
}
