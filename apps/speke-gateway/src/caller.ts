import type { Requester } from '@latchkey/messages';
import type { EncryptorRight, Tenant } from '@latchkey/tenants';

/** Who asks, as the door made sure of it: the tenant comes from the credential, never from the document. */
export interface Caller {
  readonly tenant: Tenant;
  readonly requester: Requester;
  readonly rights: readonly EncryptorRight[];
  /** Base64 DER: for whom keys are encrypted when a stored document names nobody. */
  readonly certificate: string | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** There once the door has let the request in. */
    caller: Caller;
  }
}
