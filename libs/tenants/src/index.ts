export { type TenantDelivery, type TenantEntitlement } from './delivery';
export {
  ENCRYPTOR_RIGHTS,
  REALM,
  type EncryptorCredential,
  type EncryptorRight,
  type TenantLimits,
} from './encryptors';
export { type TenantPolicy } from './policy';
export { type TenantKeys } from './retention';
export { configuredSystems, type ConfiguredSystems, type TenantSignaling, type XmlElements } from './signaling';
export { signalingDigest } from './signaling-digest';
export { DEFAULT_TENANT, defaultTenant, tenantSchema, tenantsFileSchema, UNKNOWN_TENANT, type Tenant } from './tenant';
export { TenantList, type TenantDirectory } from './tenant-directory';
export { TenantRows, type TenantRow, type TenantRowFault, type TenantsOfRows } from './tenant-rows';
export { tenantsInForce } from './tenants-in-force';
export { openTenants, parseYaml, TenantsFileError } from './tenants-file';
