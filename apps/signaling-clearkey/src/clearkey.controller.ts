import { Answers } from '@latchkey/bus';
import type { SystemId } from '@latchkey/cenc';
import { Fault, signalingFor, type SignalingReply, type SignalingRequest } from '@latchkey/messages';
import { signalingDigest, type TenantDirectory } from '@latchkey/tenants';
import { Controller, Inject, type Type } from '@nestjs/common';
import { signalClearKey } from './clearkey-signaling';

export const TENANTS = Symbol('tenants');
export const DELIVERY_BASE_URL = Symbol('delivery base URL');

/** One for each system: a subject belongs to a handler, and which systems there are is known only when the service starts. */
export function controllerFor(systemId: SystemId): Type {
  @Controller()
  class ClearKeyController {
    constructor(
      @Inject(TENANTS) private readonly tenants: TenantDirectory,
      @Inject(DELIVERY_BASE_URL) private readonly deliveryBaseUrl: string,
    ) {}

    @Answers(signalingFor(systemId))
    async signal(request: SignalingRequest): Promise<SignalingReply> {
      const tenant = this.tenants.get(request.tenant);
      if (!tenant) throw new Fault('FORBIDDEN', `tenant ${request.tenant} is not configured here`);
      const { signaling: settings } = tenant;
      const said = signalClearKey({ request, settings, deliveryBaseUrl: this.deliveryBaseUrl });
      return { ...said, settings: signalingDigest(settings) };
    }
  }
  return ClearKeyController;
}
