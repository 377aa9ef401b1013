import type { FastifyRequest } from 'fastify';
import { Deadline, type Bus } from '@latchkey/bus';
import { NAMESPACES, newElement, parseXml, serialiseXml } from '@latchkey/cpix';
import { HttpProblem } from '@latchkey/http';
import { deleteDocument, Fault, getDocument, putDocument, revokeKeys } from '@latchkey/messages';
import {
  parseSpekeRequest,
  SpekeRejection,
  type ParseOptions,
  type SpekeRequest,
  type SpekeVersion,
} from '@latchkey/speke';
import type { EncryptorRight } from '@latchkey/tenants';
import { takeKeysOut } from './brought-keys';
import type { Caller } from './caller';
import type { CopyProtection } from './copy-protection';
import { describeRequest, readVersion } from './copy-protection';
import type { DocumentExchange } from './document-exchange';
import { conditionsHold, conditionsOf, matches, type Conditions } from './entity-tags';
import { bodyOf } from './guard';
import type { KeyImports } from './key-imports';

export interface DocumentAnswer {
  readonly status: 200 | 201 | 204 | 304;
  readonly etag?: string;
  /** Of the document, when it is not the request's. */
  readonly version?: SpekeVersion;
  readonly xml?: string;
}

/** Bytes of UTF-8: what fits into one message on the bus and one row of the store. */
const LONGEST_KEPT = 300_000;

/**
 * The CPIX resource: a content's document, kept without its keys, which are put into it whenever it is read. Throws
 * SpekeRejection, Fault, HttpProblem.
 */
export class ContentDocuments {
  constructor(
    private readonly bus: Bus,
    private readonly copyProtection: CopyProtection,
    private readonly imports: KeyImports,
    private readonly deadlineMs: number,
  ) {}

  /** Issues the keys of the document, and keeps it. */
  async post(request: FastifyRequest, contentId: string): Promise<DocumentAnswer> {
    noteContent(request, contentId);
    insistOn('issue', request.caller);
    const deadline = Deadline.in(this.deadlineMs);
    const speke = this.copyProtection.read(request);
    insistOnContent(contentId, speke);
    const text = serialiseXml(speke.document);
    insistOnSize(text, speke);
    const conditions = conditionsOf(request);
    await this.#insistOnConditions(request.caller, contentId, conditions, deadline);
    const exchange = exchangeOf(request, speke, deadline);
    const xml = await this.copyProtection.fill(exchange);
    const kept = await this.#keep(exchange, text, conditions);
    return { status: kept.created ? 201 : 200, etag: kept.etag, xml };
  }

  /** The kept document with its keys: encrypted, unless the caller may read them in the clear. */
  async get(request: FastifyRequest, contentId: string): Promise<DocumentAnswer> {
    noteContent(request, contentId);
    insistOn('issue', request.caller);
    const deadline = Deadline.in(this.deadlineMs);
    const stored = await this.#stored(request.caller, contentId, deadline);
    if (!stored) throw noDocument();
    const { ifMatch, ifNoneMatch } = conditionsOf(request);
    if (ifMatch && !matches(ifMatch, stored.etag)) throw preconditionFailed();
    if (ifNoneMatch && matches(ifNoneMatch, stored.etag)) return { status: 304, etag: stored.etag };
    const speke = readStored(stored, request.caller, this.copyProtection.optionsFor(request.caller.tenant));
    describeRequest(request, speke);
    const xml = await this.copyProtection.fill({ ...exchangeOf(request, speke, deadline), onlyExisting: true });
    return { status: 200, etag: stored.etag, version: stored.spekeVersion, xml };
  }

  /** Takes in the keys that stand in the document, and keeps it without them. */
  async put(request: FastifyRequest, contentId: string): Promise<DocumentAnswer> {
    noteContent(request, contentId);
    insistOn('import', request.caller);
    const deadline = Deadline.in(this.deadlineMs);
    const brought = takeKeysOut(
      readVersion(request),
      bodyOf(request),
      this.copyProtection.optionsFor(request.caller.tenant),
    );
    try {
      describeRequest(request, brought.request);
      insistOnContent(contentId, brought.request);
      insistOnSize(brought.text, brought.request);
      const conditions = conditionsOf(request);
      await this.#insistOnConditions(request.caller, contentId, conditions, deadline);
      const exchange = exchangeOf(request, brought.request, deadline);
      await this.imports.import(exchange, brought.contentKeys);
      const kept = await this.#keep(exchange, brought.text, conditions);
      return { status: kept.created ? 201 : 204, etag: kept.etag };
    } finally {
      brought.dispose();
    }
  }

  /** Revokes all keys of the content, and forgets its document: in this order, so that a retry finds what is left to do. */
  async delete(request: FastifyRequest, contentId: string): Promise<DocumentAnswer> {
    noteContent(request, contentId);
    insistOn('revoke', request.caller);
    const deadline = Deadline.in(this.deadlineMs);
    const { tenant, requester } = request.caller;
    const stored = await this.#stored(request.caller, contentId, deadline);
    if (!stored) throw noDocument();
    if (!conditionsHold(conditionsOf(request), stored.etag)) throw preconditionFailed();
    const content = { tenant: tenant.id, contentId };
    await this.bus.ask(revokeKeys, { ...content, exchangeId: request.exchange.id, requester }, { deadline });
    await this.bus.ask(deleteDocument, { ...content, ifMatch: stored.etag }, { deadline });
    return { status: 204 };
  }

  async #stored({ tenant }: Caller, contentId: string, deadline: Deadline) {
    // A path may name what no document can be called.
    if (!isContentId(contentId)) return null;
    return (await this.bus.ask(getDocument, { tenant: tenant.id, contentId }, { deadline })).stored;
  }

  /** Before any key is made or taken in; what changes in between is noticed when the document is kept. */
  async #insistOnConditions(caller: Caller, contentId: string, conditions: Conditions, deadline: Deadline) {
    if (conditions.ifMatch === undefined && conditions.ifNoneMatch === undefined) return;
    const stored = await this.#stored(caller, contentId, deadline);
    if (!conditionsHold(conditions, stored?.etag)) throw preconditionFailed();
  }

  async #keep({ caller, request, deadline }: DocumentExchange, document: string, conditions: Conditions) {
    const { contentId, version: spekeVersion } = request;
    const ifMatch = await this.#expectation(caller, contentId, conditions, deadline);
    const kept = {
      tenant: caller.tenant.id,
      contentId,
      spekeVersion,
      document,
      ...(ifMatch !== undefined && { ifMatch }),
    };
    try {
      return await this.bus.ask(putDocument, kept, { deadline });
    } catch (error) {
      if (error instanceof Fault && (error.code === 'CONFLICT' || error.code === 'PRECONDITION_FAILED')) {
        throw preconditionFailed(error);
      }
      throw error;
    }
  }

  /** In the store's words: one tag, `*`, or null for nothing. */
  async #expectation(caller: Caller, contentId: string, { ifMatch, ifNoneMatch }: Conditions, deadline: Deadline) {
    if (ifNoneMatch === '*') return null;
    if (ifMatch === undefined || ifMatch === '*') return ifMatch;
    if (ifMatch.length === 1) return ifMatch[0];
    return (await this.#stored(caller, contentId, deadline))?.etag ?? ifMatch[0];
  }
}

function exchangeOf(request: FastifyRequest, speke: SpekeRequest, deadline: Deadline): DocumentExchange {
  const { exchange, caller, report } = request;
  return { id: exchange.id, caller, request: speke, deadline, startedAt: exchange.startedAt, report };
}

/** A document that names no recipient is read in the clear by those who may, and by others for their own certificate. */
function readStored(
  stored: { spekeVersion: SpekeVersion; document: string },
  caller: Caller,
  options: ParseOptions,
): SpekeRequest {
  const read = (text: string) => parseSpekeRequest(stored.spekeVersion, Buffer.from(text), options);
  const speke = read(stored.document);
  if (speke.recipients || caller.rights.includes('read-clear')) return speke;
  if (caller.certificate) return read(withRecipient(stored.document, caller.certificate));
  throw new HttpProblem(403, 'no-certificate', 'This credential reads keys for its certificate only, and has none');
}

function withRecipient(document: string, certificate: string): string {
  const root = parseXml(Buffer.from(document));
  const x509 = newElement('ds', 'X509Data', [newElement('ds', 'X509Certificate', [certificate])]);
  const data = newElement('cpix', 'DeliveryData', [newElement('cpix', 'DeliveryKey', [x509])], { id: 'reader' });
  const others = root.children.filter((child) => typeof child === 'string' || !isDeliveryDataList(child));
  return serialiseXml({ ...root, children: [newElement('cpix', 'DeliveryDataList', [data]), ...others] });
}

function isDeliveryDataList({ name, namespace }: { name: string; namespace: string }): boolean {
  return name === 'DeliveryDataList' && namespace === NAMESPACES.cpix;
}

function isContentId(text: string): boolean {
  return getDocument.request.shape.contentId.safeParse(text).success;
}

/** Whatever comes of it is told with the content that it is about. */
function noteContent({ report, exchange }: FastifyRequest, contentId: string): void {
  if (!isContentId(contentId)) return;
  report.contentId = contentId;
  exchange.note({ contentId });
}

function insistOn(right: EncryptorRight, { rights }: Caller): void {
  if (!rights.includes(right)) throw new HttpProblem(403, 'no-right', `This credential has no right to ${right}`);
}

function insistOnContent(contentId: string, { contentId: stated, version }: SpekeRequest): void {
  if (stated === contentId) return;
  const detail = 'the document is about another content than the path';
  throw SpekeRejection.of('UNANSWERABLE', {}, version, { detail });
}

/** Before any key is made or taken in for a document that cannot be kept. */
function insistOnSize(text: string, { version }: SpekeRequest): void {
  if (Buffer.byteLength(text) <= LONGEST_KEPT) return;
  const detail = `documents up to ${LONGEST_KEPT} bytes are kept`;
  throw SpekeRejection.of('DOCUMENT_TOO_LARGE', {}, version, { detail });
}

function noDocument(): HttpProblem {
  return new HttpProblem(404, 'no-document', 'There is no document of this content');
}

function preconditionFailed(cause?: unknown): HttpProblem {
  return new HttpProblem(412, 'precondition-failed', 'The document that is there is not the expected one', { cause });
}
