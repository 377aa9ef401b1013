export { openTenantSource } from './open-tenant-source';
export { readTenantSource, tenantVariables, type TenantSource } from './tenant-variables';
