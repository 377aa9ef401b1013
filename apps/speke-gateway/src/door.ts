import type { FastifyRequest } from 'fastify';
import { shortHeader } from '@latchkey/http';
import { DEFAULT_TENANT, type TenantDirectory } from '@latchkey/tenants';
import type { Caller } from './caller';

/** Makes sure who asks. */
export class Door {
  constructor(private readonly tenants: TenantDirectory) {}

  admit(request: FastifyRequest): Caller {
    const tenant = this.tenants.get(DEFAULT_TENANT);
    if (!tenant) throw new Error('there is no default tenant');
    return {
      tenant,
      requester: { encryptorId: 'anonymous', userAgent: encryptorName(request), address: request.ip },
    };
  }
}

/** What the encryptor calls itself: SPEKE's own headers, else the general one. */
function encryptorName(request: FastifyRequest): string | undefined {
  return (
    shortHeader(request, 'x-speke-user-agent') ??
    shortHeader(request, 'speke-user-agent') ??
    shortHeader(request, 'user-agent')
  );
}
