import type { FastifyRequest } from 'fastify';
import { Deadline } from '@latchkey/bus';
import { answerSpekeRequest, parseSpekeRequest, spekeVersionOf, type SpekeRequest } from '@latchkey/speke';
import { configuredSystems } from '@latchkey/tenants';
import type { ContentKeys } from './content-keys';
import type { DocumentExchange } from './document-exchange';
import type { DrmSystems } from './drm-systems';
import { bodyOf } from './guard';
import { spekeVersionHeader } from './speke-headers';

/** SPEKE: a document comes in, its keys and what its DRM systems say go back in it. */
export class CopyProtection {
  constructor(
    private readonly keys: ContentKeys,
    private readonly systems: DrmSystems,
    private readonly deadlineMs: number,
  ) {}

  /** The answer's XML. Throws SpekeRejection, Fault. */
  async answer(request: FastifyRequest): Promise<string> {
    const deadline = Deadline.in(this.deadlineMs);
    const speke = readRequest(request);
    return this.fill({
      id: request.exchange.id,
      caller: request.caller,
      request: speke,
      deadline,
      startedAt: request.exchange.startedAt,
      report: request.report,
    });
  }

  /** Two rounds: the keys, then all systems at once, for signaling needs what issuing knows and never the key. */
  async fill(exchange: DocumentExchange): Promise<string> {
    const { keys, recipients, dispose } = await this.keys.issue(exchange);
    try {
      const signaling = await this.systems.signal(exchange, keys);
      const { tracks } = exchange.caller.tenant.policy;
      return answerSpekeRequest(exchange.request, { keys, recipients, signaling, tracks });
    } finally {
      dispose();
    }
  }
}

/** The version first: an unknown one is refused without a look at the body. */
export function readRequest(request: FastifyRequest): SpekeRequest {
  const version = spekeVersionOf(spekeVersionHeader(request));
  request.exchange.note({ spekeVersion: version });
  request.report.spekeVersion = version;
  const { policy, signaling } = request.caller.tenant;
  const speke = parseSpekeRequest(version, bodyOf(request), { policy, ...configuredSystems(signaling) });
  request.report.describe(speke);
  noteRequest(request, speke);
  return speke;
}

function noteRequest({ exchange }: FastifyRequest, { contentId, keys, systems, recipients, warnings }: SpekeRequest) {
  exchange.note({
    contentId,
    keyIds: keys.map(({ keyId }) => keyId),
    keys: keys.length,
    systems: systems.length,
    recipients: recipients?.length ?? 0,
    warnings: warnings.length > 0 ? warnings.map(({ code }) => code) : undefined,
  });
}
