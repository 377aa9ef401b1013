import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { defaultTenant, tenantsFileSchema, type Tenant } from './tenant';

/** Where tenants are looked up. What is configured now; a later look may find another. */
export interface TenantDirectory {
  get(id: string): Tenant | undefined;
  list(): readonly Tenant[];
  /** SHA-256 of the file in force, hex; of nothing when the built-in tenant is. */
  readonly digest: string;
  /** No file was configured: there is one tenant, `default`, without credentials. */
  readonly builtIn: boolean;
  onChange(listener: () => void): void;
  close(): void;
}

export class TenantsFileError extends Error {
  override readonly name = 'TenantsFileError';
}

/**
 * The tenants of a YAML or JSON file, read again when it changes; a file that has become wrong is reported to
 * `onError` and the last good one stays in force. Without a path: one tenant, `default`.
 */
export function openTenants(
  path: string | undefined,
  onError: (error: TenantsFileError) => void = () => undefined,
  pollMs = 1_000,
): TenantDirectory {
  if (path === undefined) return directory([defaultTenant()], true);
  const state = directory(readTenants(path), false);
  let seen = signature(path);
  const timer = setInterval(() => {
    try {
      const now = signature(path);
      if (now === seen) return;
      seen = now;
      state.replace(readTenants(path));
    } catch (error) {
      onError(
        error instanceof TenantsFileError ? error : new TenantsFileError(`cannot read ${path}`, { cause: error }),
      );
    }
  }, pollMs);
  timer.unref();
  return Object.assign(state, { close: () => clearInterval(timer) });
}

function signature(path: string): string {
  const { mtimeMs, size, ino } = statSync(path);
  return `${mtimeMs}/${size}/${ino}`;
}

function readTenants(path: string): Tenant[] {
  let document: unknown;
  try {
    document = parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new TenantsFileError(`${path} is not YAML: ${(cause as Error).message}`, { cause });
  }
  const file = tenantsFileSchema.safeParse(document);
  if (!file.success) throw new TenantsFileError(`${path}: ${z.prettifyError(file.error)}`);
  const ids = file.data.tenants.map((tenant) => tenant.id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice) throw new TenantsFileError(`${path}: tenant ${twice} is there twice`);
  return file.data.tenants;
}

function directory(first: Tenant[], builtIn: boolean) {
  let tenants = new Map<string, Tenant>();
  let digest = '';
  const listeners = new Set<() => void>();
  const load = (list: Tenant[]) => {
    tenants = new Map(list.map((tenant) => [tenant.id, tenant]));
    digest = createHash('sha256')
      .update(builtIn ? '' : JSON.stringify(list))
      .digest('hex');
  };
  load(first);
  return {
    builtIn,
    get digest() {
      return digest;
    },
    get: (id: string) => tenants.get(id),
    list: () => [...tenants.values()],
    onChange: (listener: () => void) => void listeners.add(listener),
    replace(list: Tenant[]) {
      load(list);
      for (const listener of listeners) listener();
    },
    close: () => undefined,
  };
}
