export { type TenantDelivery, type TenantEntitlement } from './delivery';
export { type EncryptorCredential } from './encryptors';
export { type TenantPolicy } from './policy';
export { type TenantKeys } from './retention';
export { type TenantSignaling, type XmlElements } from './signaling';
export { DEFAULT_TENANT, defaultTenant, tenantSchema, tenantsFileSchema, type Tenant } from './tenant';
export { openTenants, TenantsFileError, type TenantDirectory } from './tenant-directory';
