import { Answers } from '@latchkey/bus';
import { SYSTEM_IDS } from '@latchkey/cenc';
import { Fault, signalingFor, type SignalingReply, type SignalingRequest } from '@latchkey/messages';
import { signalingDigest, type TenantDirectory } from '@latchkey/tenants';
import { Controller, Inject } from '@nestjs/common';
import { signalFairPlay } from './fairplay-signaling';

export const TENANTS = Symbol('tenants');

@Controller()
export class FairplayController {
  constructor(@Inject(TENANTS) private readonly tenants: TenantDirectory) {}

  @Answers(signalingFor(SYSTEM_IDS.fairplay))
  async signal(request: SignalingRequest): Promise<SignalingReply> {
    const tenant = this.tenants.get(request.tenant);
    if (!tenant) throw new Fault('FORBIDDEN', `tenant ${request.tenant} is not configured here`);
    return { ...signalFairPlay(request, tenant.signaling), settings: signalingDigest(tenant.signaling) };
  }
}
