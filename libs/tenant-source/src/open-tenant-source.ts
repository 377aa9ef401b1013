import { instruments, type ServiceContext } from '@latchkey/runtime';
import { openTenants, type TenantDirectory } from '@latchkey/tenants';
import type { TenantSource } from './tenant-variables';
import { watchTenantTable } from './watched-table';

/**
 * The tenants of an installation, wherever it keeps them. A file must be right at once: throws TenantsFileError. For a table that
 * cannot be read it waits, and says so. The AWS SDK is loaded only if it is used.
 */
export async function openTenantSource(
  source: TenantSource,
  { logger, stopping }: Pick<ServiceContext, 'logger' | 'stopping'>,
): Promise<TenantDirectory> {
  if (source.kind === 'table') {
    const { TenantTable } = require('./tenant-table') as typeof import('./tenant-table');
    return watchTenantTable(new TenantTable(source.table), { pollMs: source.pollMs, logger, stopping });
  }
  const path = source.kind === 'file' ? source.path : undefined;
  const tenants = openTenants(path, (err) => logger.error({ err }, 'the last good tenants stay'));
  const measure = () => instruments.tenantsRefused.record(tenants.faults.length, {});
  measure();
  tenants.onChange(measure);
  return tenants;
}
