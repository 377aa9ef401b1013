import type { EncryptorCredential, Tenant, TenantDirectory } from '@latchkey/tenants';
import { roleName } from './role-name';

export type CredentialOf<Method extends EncryptorCredential['method']> = Extract<
  EncryptorCredential,
  { method: Method }
>;

/** A credential and the tenant whose it is. */
export interface Owned<Method extends EncryptorCredential['method']> {
  readonly tenant: Tenant;
  readonly credential: CredentialOf<Method>;
}

/** All tenants' credentials by what a request shows of them. Made anew when the tenants file changes. */
export class CredentialIndex {
  readonly roles = new Map<string, Owned<'aws-role'>>();
  readonly accessKeys = new Map<string, Owned<'sigv4'>>();
  readonly digestUsers = new Map<string, Owned<'digest'>>();
  readonly basicUsers = new Map<string, Owned<'basic'>>();
  /** By header name. */
  readonly apiKeys = new Map<string, Owned<'api-key'>[]>();
  readonly subjects = new Map<string, Owned<'mtls'>>();
  /** No tenant has any: then nothing that a request shows means anything. */
  readonly isEmpty: boolean;

  constructor(tenants: Pick<TenantDirectory, 'list'>) {
    this.isEmpty = tenants.list().every(({ encryptors }) => encryptors.length === 0);
    for (const tenant of tenants.list()) {
      for (const credential of tenant.encryptors) this.#add(tenant, credential);
    }
  }

  #add(tenant: Tenant, credential: EncryptorCredential): void {
    switch (credential.method) {
      case 'aws-role':
        return void this.roles.set(roleName(credential.roleArn) ?? credential.roleArn, { tenant, credential });
      case 'sigv4':
        return void this.accessKeys.set(credential.accessKeyId, { tenant, credential });
      case 'digest':
        return void this.digestUsers.set(credential.username, { tenant, credential });
      case 'basic':
        return void this.basicUsers.set(credential.username, { tenant, credential });
      case 'api-key':
        return void this.#keysIn(credential.header).push({ tenant, credential });
      case 'mtls':
        return void this.subjects.set(credential.subject, { tenant, credential });
    }
  }

  #keysIn(header: string): Owned<'api-key'>[] {
    const keys = this.apiKeys.get(header) ?? [];
    this.apiKeys.set(header, keys);
    return keys;
  }
}
