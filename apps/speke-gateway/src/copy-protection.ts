import type { FastifyRequest } from 'fastify';
import { Deadline } from '@latchkey/bus';
import type { DocumentLimits } from '@latchkey/cpix';
import {
  answerSpekeRequest,
  parseSpekeRequest,
  SpekeRejection,
  spekeVersionOf,
  type ParseOptions,
  type SpekeRequest,
  type SpekeVersion,
} from '@latchkey/speke';
import { configuredSystems, type Tenant } from '@latchkey/tenants';
import { CertificateWatch } from './certificate-watch';
import type { ContentKeys } from './content-keys';
import type { DocumentExchange } from './document-exchange';
import type { DrmSystems } from './drm-systems';
import { bodyOf } from './guard';
import { spekeVersionHeader } from './speke-headers';

/** SPEKE: a document comes in, its keys and what its DRM systems say go back in it. */
export class CopyProtection {
  readonly #certificates = new CertificateWatch();

  constructor(
    private readonly keys: ContentKeys,
    private readonly systems: DrmSystems,
    private readonly settings: { readonly deadlineMs: number; readonly limits: Partial<DocumentLimits> },
  ) {}

  /** The answer's XML. Throws SpekeRejection, Fault. */
  async answer(request: FastifyRequest): Promise<string> {
    const deadline = Deadline.in(this.settings.deadlineMs);
    const speke = this.read(request);
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
    const { caller, request } = exchange;
    if (request.recipients) this.#certificates.look(caller, request.recipients);
    const { keys, recipients, dispose } = await this.keys.issue(exchange);
    try {
      const signaling = await this.systems.signal(exchange, keys);
      const { tracks } = caller.tenant.policy;
      return answerSpekeRequest(request, { keys, recipients, signaling, tracks });
    } finally {
      dispose();
    }
  }

  /** The document of a request. Throws SpekeRejection. */
  read(request: FastifyRequest): SpekeRequest {
    const version = readVersion(request);
    try {
      const speke = parseSpekeRequest(version, bodyOf(request), this.optionsFor(request.caller.tenant));
      describeRequest(request, speke);
      return speke;
    } catch (error) {
      if (error instanceof SpekeRejection) describeRefused(request, error);
      throw error;
    }
  }

  /** What a document may ask for is the tenant's to say. */
  optionsFor({ policy, signaling }: Tenant): ParseOptions {
    return { policy, limits: this.settings.limits, ...configuredSystems(signaling) };
  }
}

/** A refusal is told with the content that it is about, if the document said so much. */
function describeRefused({ report, exchange }: FastifyRequest, { contentId }: SpekeRejection): void {
  if (contentId === undefined) return;
  report.contentId = contentId;
  exchange.note({ contentId });
}

/** Before anything else: an unknown one is refused without a look at the body. */
export function readVersion(request: FastifyRequest): SpekeVersion {
  const version = spekeVersionOf(spekeVersionHeader(request));
  request.exchange.note({ spekeVersion: version });
  request.report.spekeVersion = version;
  return version;
}

/** For the report and the log line: which content and keys, and how many of what. */
export function describeRequest({ report, exchange }: FastifyRequest, speke: SpekeRequest): void {
  const { contentId, keys, systems, recipients, warnings } = speke;
  report.describe(speke);
  exchange.note({
    contentId,
    keyIds: keys.map(({ keyId }) => keyId),
    keys: keys.length,
    systems: systems.length,
    recipients: recipients?.length ?? 0,
    warnings: warnings.length > 0 ? warnings.map(({ code }) => code) : undefined,
  });
}
