import { instruments, type Logger } from '@latchkey/runtime';
import { TenantList, TenantRows, type TenantDirectory, type TenantRowFault } from '@latchkey/tenants';
import type { TenantTable } from './tenant-table';

export interface WatchOptions {
  readonly pollMs: number;
  readonly logger: Logger;
  /** Ends the wait for the first read. */
  readonly stopping?: AbortSignal | undefined;
  /** How long rows that nobody counted may go unseen. */
  readonly fullReadMs?: number;
  readonly random?: () => number;
  readonly now?: () => number;
}

/** A table is read as a whole at least so often: who changes rows by other means than `npm run tenants` counts nothing. */
const FULL_READ_MS = 300_000;
/** As long as the table cannot be read, so often is said that it cannot. */
const SAY_AGAIN_MS = 60_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

/**
 * The tenants of a table, and soon those of the table as it has become. Resolves when the table could be read once, however long
 * that takes; from then on the last good ones stay while it cannot be read.
 */
export async function watchTenantTable(
  table: Pick<TenantTable, 'name' | 'generation' | 'read' | 'close'>,
  options: WatchOptions,
): Promise<TenantDirectory> {
  const watch = new TableWatch(table, options);
  await watch.begin();
  return watch.directory;
}

class TableWatch {
  readonly directory = new TenantList('table', [], [], () => this.#close());
  readonly #rows = new TenantRows();
  readonly #now: () => number;
  readonly #random: () => number;
  #generation = -1;
  #readAt = -Infinity;
  #reachedAt: number;
  #saidAt = -Infinity;
  #faults: readonly TenantRowFault[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    private readonly table: Pick<TenantTable, 'name' | 'generation' | 'read' | 'close'>,
    private readonly options: WatchOptions,
  ) {
    this.#now = options.now ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
    this.#reachedAt = this.#now();
  }

  /** Throws only when the process is told to stop meanwhile. */
  async begin(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!(await this.#look())) {
      await this.#wait(retryMs);
      retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
    }
    if (this.directory.list().length === 0) {
      this.options.logger.warn({ table: this.table.name }, 'there are no tenants: nobody is served until there are');
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      void this.#look().then(() => this.#schedule());
    }, this.#jittered(this.options.pollMs));
    this.#timer.unref();
  }

  /** Whether the table could be read. Never throws. */
  async #look(): Promise<boolean> {
    try {
      const due = this.#now() - this.#readAt >= (this.options.fullReadMs ?? FULL_READ_MS);
      if (due || (await this.table.generation()) !== this.#generation) await this.#read();
      this.#reached();
      return true;
    } catch (error) {
      this.#notReached(error as Error);
      return false;
    }
  }

  async #read(): Promise<void> {
    const { generation, rows } = await this.table.read();
    if (this.#closed) return;
    const { tenants, faults } = this.#rows.take(rows);
    this.#generation = generation;
    this.#readAt = this.#now();
    this.#tell(faults);
    const before = this.directory.digest;
    this.directory.replace(
      tenants,
      faults.map(({ id, message }) => `tenant ${id}: ${message}`),
    );
    if (this.directory.digest !== before)
      this.options.logger.info({ tenants: tenants.length, generation }, 'the tenants of the table are in force');
  }

  /** Each fault once, and that it is no more. */
  #tell(faults: readonly TenantRowFault[]): void {
    const { logger } = this.options;
    const known = (list: readonly TenantRowFault[], { id, message }: TenantRowFault) =>
      list.some((each) => each.id === id && each.message === message);
    for (const fault of faults)
      if (!known(this.#faults, fault))
        logger.error({ tenant: fault.id, why: fault.message }, 'a tenant of the table is not right');
    for (const { id } of this.#faults)
      if (!faults.some((fault) => fault.id === id)) logger.info({ tenant: id }, 'a tenant of the table is right again');
    this.#faults = faults;
    instruments.tenantsRefused.record(faults.length, {});
  }

  #reached(): void {
    if (this.#saidAt !== -Infinity)
      this.options.logger.info({ table: this.table.name }, 'the tenants can be read again');
    this.#saidAt = -Infinity;
    this.#reachedAt = this.#now();
    instruments.tenantsAge.record(0, {});
  }

  /** The name of the error says enough; its message may quote what was sent. */
  #notReached(error: Error): void {
    if (this.#closed) return;
    const now = this.#now();
    instruments.tenantsAge.record((now - this.#reachedAt) / 1_000, {});
    if (now - this.#saidAt < SAY_AGAIN_MS) return;
    this.#saidAt = now;
    const { logger } = this.options;
    const told = { table: this.table.name, error: error.name, hint: HINTS[error.name] };
    if (this.#generation < 0) logger.error(told, 'the tenants cannot be read: not ready until they can');
    else logger.error(told, 'the tenants cannot be read: the last good ones stay');
  }

  #wait(ms: number): Promise<void> {
    const { stopping } = this.options;
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        this.directory.close();
        reject(new Error('stopped before the tenants could be read'));
      };
      const timer = setTimeout(() => {
        stopping?.removeEventListener('abort', stop);
        resolve();
      }, this.#jittered(ms));
      if (stopping?.aborted) stop();
      else stopping?.addEventListener('abort', stop, { once: true });
    });
  }

  /** Give or take a fifth: processes that started together do not ask together for ever. */
  #jittered(ms: number): number {
    return ms * (0.8 + 0.4 * this.#random());
  }

  #close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.table.close();
  }
}

const HINTS: Readonly<Record<string, string>> = {
  ResourceNotFoundException: 'TENANTS_TABLE names no table of this account and region: npm run tenants -- create-table',
  AccessDeniedException: 'the role needs dynamodb:GetItem and dynamodb:Scan on the table',
  CredentialsProviderError: 'no AWS credentials were found',
};
