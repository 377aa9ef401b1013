import { readFileSync, statSync } from 'node:fs';
import { YAMLParseError, parse } from 'yaml';
import { z } from 'zod';
import { defaultTenant, tenantsFileSchema, type Tenant } from './tenant';
import { TenantList, type TenantDirectory } from './tenant-directory';

export class TenantsFileError extends Error {
  override readonly name = 'TenantsFileError';
}

/**
 * The tenants of a YAML or JSON file, read again when it changes; a file that has become wrong is reported to
 * `onError` and the last good one stays in force. Without a path: one tenant, `default`. Throws TenantsFileError.
 */
export function openTenants(
  path: string | undefined,
  onError: (error: TenantsFileError) => void = () => undefined,
  pollMs = 1_000,
): TenantDirectory {
  if (path === undefined) return new TenantList('built-in', [defaultTenant()]);
  let seen = signature(path);
  const tenants: TenantList = new TenantList('file', readTenants(path), [], () => clearInterval(timer));
  const timer = setInterval(() => {
    try {
      const now = signature(path);
      if (now === seen) return;
      seen = now;
      tenants.replace(readTenants(path), []);
    } catch (cause) {
      const error = cause instanceof TenantsFileError ? cause : new TenantsFileError(`cannot read ${path}`, { cause });
      // A file that is away is said once, not at every look.
      if (tenants.faults.includes(error.message)) return;
      onError(error);
      tenants.replace(tenants.list(), [error.message]);
    }
  }, pollMs);
  timer.unref();
  return tenants;
}

/** Parsed YAML or JSON. Throws TenantsFileError, which says where it is wrong and quotes nothing: secrets may stand there. */
export function parseYaml(text: string, name: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    const at = error instanceof YAMLParseError ? error.linePos?.[0] : undefined;
    throw new TenantsFileError(`${name} is not YAML${at ? `: look at line ${at.line}, column ${at.col}` : ''}`);
  }
}

function signature(path: string): string {
  const { mtimeMs, size, ino } = statSync(path);
  return `${mtimeMs}/${size}/${ino}`;
}

function readTenants(path: string): Tenant[] {
  const file = tenantsFileSchema.safeParse(parseYaml(readFileSync(path, 'utf8'), path));
  if (!file.success) throw new TenantsFileError(`${path}: ${z.prettifyError(file.error)}`);
  const ids = file.data.tenants.map((tenant) => tenant.id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice) throw new TenantsFileError(`${path}: tenant ${twice} is there twice`);
  return file.data.tenants;
}
