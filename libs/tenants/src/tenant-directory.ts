import { createHash } from 'node:crypto';
import type { Tenant } from './tenant';

/** Where tenants are looked up. What is configured now; a later look may find another. */
export interface TenantDirectory {
  get(id: string): Tenant | undefined;
  list(): readonly Tenant[];
  /** SHA-256 of what is in force, hex; of nothing when the built-in tenant is. */
  readonly digest: string;
  /** `built-in`: nothing was configured, there is one tenant, `default`, without credentials. */
  readonly source: 'built-in' | 'file' | 'table';
  /** What is configured and not in force, for operators: whose it is and what is wrong, never what is in it. */
  readonly faults: readonly string[];
  /** Called when tenants or faults have changed. */
  onChange(listener: () => void): void;
  close(): void;
}

/** Tenants in memory, replaced as a whole by whoever watches their source. */
export class TenantList implements TenantDirectory {
  #tenants: ReadonlyMap<string, Tenant> = new Map();
  #faults: readonly string[] = [];
  #digest = '';
  readonly #listeners = new Set<() => void>();

  constructor(
    readonly source: TenantDirectory['source'],
    tenants: readonly Tenant[],
    faults: readonly string[] = [],
    private readonly onClose: () => void = () => undefined,
  ) {
    this.#take(tenants, faults);
  }

  get digest(): string {
    return this.#digest;
  }

  get faults(): readonly string[] {
    return this.#faults;
  }

  get(id: string): Tenant | undefined {
    return this.#tenants.get(id);
  }

  list(): readonly Tenant[] {
    return [...this.#tenants.values()];
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Tells the listeners, if anything is new. */
  replace(tenants: readonly Tenant[], faults: readonly string[]): void {
    const before = [this.#digest, ...this.#faults].join('\n');
    this.#take(tenants, faults);
    if ([this.#digest, ...this.#faults].join('\n') === before) return;
    for (const listener of this.#listeners) listener();
  }

  close(): void {
    this.onClose();
  }

  #take(tenants: readonly Tenant[], faults: readonly string[]): void {
    this.#tenants = new Map(tenants.map((tenant) => [tenant.id, tenant]));
    this.#faults = faults;
    this.#digest = createHash('sha256')
      .update(this.source === 'built-in' ? '' : JSON.stringify(tenants))
      .digest('hex');
  }
}
